#include "ziplora/io/image_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <string_view>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/image_formats.h"

namespace ziplora {
namespace {

constexpr std::string_view kPngMagic("\x89PNG\r\n\x1a\n", 8);

/// Turns the stored image upright by its EXIF orientation, 1…8.
/// @param image  [C, H, W]
at::Tensor upright(const at::Tensor& image, int orientation) {
  switch (orientation) {
    case 2:
      return image.flip({2});
    case 3:
      return image.flip({1, 2});
    case 4:
      return image.flip({1});
    case 5:
      return image.transpose(1, 2);
    case 6:
      return image.transpose(1, 2).flip({2});
    case 7:
      return image.transpose(1, 2).flip({1, 2});
    case 8:
      return image.transpose(1, 2).flip({1});
    default:
      return image;
  }
}

/// By content; by name where the content says nothing, so that a damaged image is an error instead of being
/// overlooked.
const ImageFormat* format_of_file(const std::filesystem::path& path) {
  char head[kImageHeadBytes];
  try {
    const InputFile file = open_input(path);
    const size_t got = file.read(head, sizeof head);
    if (const ImageFormat* format = image_format_of(path, {head, got})) return format;
  } catch (const Error&) {
    // Only if it is an image is it an error that it cannot be read.
  }
  return image_format_named_by(path);
}

DecodedImage decode(const std::filesystem::path& path) {
  const std::string where = "read " + path.string();
  const std::string bytes = read_file(path);
  const ImageFormat* format = image_format_of(path, std::string_view(bytes).substr(0, kImageHeadBytes));
  if (bytes.empty()) refuse_image(where, "the file is empty");
  if (format == nullptr || format->decode == nullptr) throw unread_image(format, where);
  return format->decode(bytes, where);
}

/// On white. One channel at a time, so that of a large image there is never a second copy in float.
/// @return [3, H, W] float32
at::Tensor float_channels(const at::Tensor& pixels) {
  const int64_t height = pixels.size(0), width = pixels.size(1);
  at::Tensor image = at::empty({3, height, width}, at::kFloat), alpha;
  if (pixels.size(2) == 4) alpha = pixels.select(2, 3).to(at::kFloat).div_(255);
  for (int64_t channel = 0; channel < 3; ++channel) {
    at::Tensor values = image.select(0, channel).copy_(pixels.select(2, channel)).div_(255);
    if (alpha.defined()) values.mul_(alpha).add_(1 - alpha);
  }
  return image;
}

/// After many large images, glibc's heap would keep several of them in pieces that nobody uses.
void let_go(DecodedImage& decoded) {
  constexpr size_t kLargeBytes = size_t{4} << 20;
  const bool large = decoded.pixels.nbytes() > kLargeBytes;
  decoded.pixels.reset();
  if (large) ::malloc_trim(0);
}

}  // namespace

void refuse_image(const std::string& where, const std::string& problem) {
  throw Error(ErrorKind::kInput, where, problem,
              "save the image again with another program, or fetch it again");
}

void check_pixel_count(int64_t width, int64_t height, const std::string& where) {
  if (width <= 0 || height <= 0)
    throw Error(ErrorKind::kInput, where, fmt::format("the image is {} × {} pixels", width, height),
                "the file is damaged: use another image");
  if (width > kImageLimitPixels / height)
    throw Error(ErrorKind::kInput, where,
                fmt::format("the image has {} × {} pixels, more than {} million", width, height,
                            kImageLimitPixels / 1'000'000),
                "make it smaller first");
}

void check_image_size(int64_t width, int64_t height, const std::string& where) {
  check_pixel_count(width, height, where);
  if (std::max(width, height) > kImageLimitAspect * std::min(width, height))
    throw Error(ErrorKind::kInput, where,
                fmt::format("the image has {} × {} pixels: one side is more than {} times the other", width,
                            height, kImageLimitAspect),
                "cut out the part of it that matters");
}

at::Tensor read_image(const std::filesystem::path& path) {
  DecodedImage decoded = decode(path);
  at::Tensor image = float_channels(decoded.pixels);
  let_go(decoded);
  return upright(image, decoded.orientation).contiguous();
}

ImageSize check_image(const std::filesystem::path& path) {
  DecodedImage decoded = decode(path);
  const int64_t height = decoded.pixels.size(0), width = decoded.pixels.size(1);
  let_go(decoded);
  return decoded.orientation >= 5 ? ImageSize{width, height} : ImageSize{height, width};
}

ImageFileKind image_file_kind(const std::filesystem::path& path) {
  if (path.filename().string().starts_with(".")) return {};  // macOS leaves ._name.png beside name.png
  const ImageFormat* format = format_of_file(path);
  if (format == nullptr) return {};
  return {format->name, can_be_read(*format)};
}

namespace {

std::string png_of(const at::Tensor& image, const StringMap& text, const std::string& where) {
  if (image.dim() != 3 || image.size(0) != 3 || image.numel() == 0)
    throw Error(ErrorKind::kInternal, where,
                fmt::format("an image is [3, H, W], this tensor is {}", c10::str(image.sizes())));
  const at::Tensor values = image.detach().cpu().to(at::kFloat);
  if (!values.isfinite().all().item<bool>())
    throw Error(ErrorKind::kNonFinite, where, "the image holds NaN or Inf",
                "a 16-bit autoencoder overflows easily: run it in float32");
  const at::Tensor pixels = values.clamp(0, 1).mul(255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
  return encode_png(pixels, text, where);
}

}  // namespace

std::string png_bytes(const at::Tensor& image, const StringMap& text) {
  return png_of(image, text, "encode PNG");
}

void write_png(const std::filesystem::path& path, const at::Tensor& image, const StringMap& text) {
  const std::string bytes = png_of(image, text, "write " + path.string());
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

StringMap read_png_text(const std::filesystem::path& path) {
  const std::string where = "read " + path.string();
  const std::string bytes = read_file(path);
  if (!std::string_view(bytes).starts_with(kPngMagic))
    throw Error(ErrorKind::kInput, where,
                "this is not a PNG, and only PNG files carry their settings as text",
                "use the image as it was written, not a converted copy");
  return decode_png_text(bytes, where);
}

std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder_or_file,
                                               bool (*is_no_image)(const std::filesystem::path&)) {
  namespace fs = std::filesystem;
  const std::string where = "list images of " + folder_or_file.string();
  if (!fs::exists(folder_or_file))
    throw Error(ErrorKind::kInput, where, "there is no such file or folder",
                "check the spelling of the path");
  if (!fs::is_directory(folder_or_file)) return {folder_or_file};
  std::vector<fs::path> images;
  std::error_code error;
  fs::directory_iterator entries(folder_or_file, error);
  if (error) throw Error(ErrorKind::kInput, where, error.message(), "check that you may read it");
  for (const fs::directory_entry& entry : entries)
    if (entry.is_regular_file() && !(is_no_image != nullptr && is_no_image(entry.path())) &&
        image_file_kind(entry.path()).is_read)
      images.push_back(entry.path());
  if (images.empty())
    throw Error(ErrorKind::kInput, where,
                "the folder holds no PNG, JPEG or WebP image, nor any other that is read (" +
                    image_formats_that_are_read() + ")",
                "put the images directly into it; folders inside it are not searched");
  std::sort(images.begin(), images.end());
  return images;
}

}  // namespace ziplora
