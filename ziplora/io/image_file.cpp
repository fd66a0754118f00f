#include "ziplora/io/image_file.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string_view>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/image_codecs.h"

namespace ziplora {
namespace {

constexpr std::string_view kPngMagic("\x89PNG\r\n\x1a\n", 8);

bool is_png(std::string_view head) { return head.starts_with(kPngMagic); }
bool is_jpeg(std::string_view head) { return head.starts_with("\xFF\xD8\xFF"); }
bool is_webp(std::string_view head) { return head.starts_with("RIFF") && head.substr(8).starts_with("WEBP"); }
bool is_iso_media(std::string_view head) { return head.size() >= 12 && head.substr(4).starts_with("ftyp"); }

struct Format {
  const char* name;
  bool (*recognizes)(std::string_view head);
  DecodedImage (*decode)(std::string_view bytes, const std::string& where);  ///< nullptr: known, not read
};

constexpr Format kFormats[] = {
    {"PNG", is_png, decode_png},
    {"JPEG", is_jpeg, decode_jpeg},
    {"WebP", is_webp, decode_webp},
    {"GIF", [](std::string_view head) { return head.starts_with("GIF8"); }, nullptr},
    {"BMP", [](std::string_view head) { return head.starts_with("BM"); }, nullptr},
    {"TIFF",
     [](std::string_view head) {
       return head.starts_with(std::string_view("II*\0", 4)) ||
              head.starts_with(std::string_view("MM\0*", 4));
     },
     nullptr},
    {"AVIF or HEIC", is_iso_media, nullptr},
    {"SVG", [](std::string_view head) { return head.starts_with("<svg") || head.starts_with("<?xml"); },
     nullptr},
};
constexpr size_t kHeadBytes = 16;

const Format* find_format(std::string_view head) {
  for (const Format& format : kFormats)
    if (format.recognizes(head)) return &format;
  return nullptr;
}

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

/// By content or by name, so that a damaged image is an error instead of being overlooked.
bool is_image_file(const std::filesystem::path& path) {
  if (path.filename().string().starts_with(".")) return false;  // macOS leaves ._name.png beside name.png
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".webp") return true;
  char head[kHeadBytes] = {};
  std::ifstream file(path, std::ios::binary);
  file.read(head, sizeof head);
  const Format* format = find_format({head, static_cast<size_t>(file.gcount())});
  return format != nullptr && format->decode != nullptr;
}

}  // namespace

void refuse_image(const std::string& where, const std::string& problem) {
  throw Error(ErrorKind::kInput, where, problem,
              "save the image again with another program, or fetch it again");
}

void check_image_size(int64_t width, int64_t height, const std::string& where) {
  if (width <= 0 || height <= 0)
    throw Error(ErrorKind::kInput, where, fmt::format("the image is {} × {} pixels", width, height),
                "the file is damaged: use another image");
  if (width > kImageLimitPixels / height)
    throw Error(ErrorKind::kInput, where,
                fmt::format("the image has {} × {} pixels, more than {} million", width, height,
                            kImageLimitPixels / 1'000'000),
                "make it smaller first");
}

at::Tensor read_image(const std::filesystem::path& path) {
  const std::string where = "read " + path.string();
  const std::string bytes = read_file(path);
  const Format* format = find_format(std::string_view(bytes).substr(0, kHeadBytes));
  if (format == nullptr || format->decode == nullptr)
    throw Error(ErrorKind::kInput, where,
                bytes.empty()       ? std::string("the file is empty")
                : format == nullptr ? std::string("this is not an image")
                                    : fmt::format("this is an image of type {}", format->name),
                "images are read from PNG, JPEG and WebP files: convert it to one of these");
  const DecodedImage decoded = format->decode(bytes, where);
  at::Tensor image = decoded.pixels.permute({2, 0, 1}).to(at::kFloat).div_(255);  // [C, H, W]
  if (image.size(0) == 4) {
    const at::Tensor alpha = image.narrow(0, 3, 1);
    image = image.narrow(0, 0, 3) * alpha + (1 - alpha);
  }
  return upright(image, decoded.orientation).contiguous();
}

void write_png(const std::filesystem::path& path, const at::Tensor& image, const StringMap& text) {
  const std::string where = "write " + path.string();
  if (image.dim() != 3 || image.size(0) != 3 || image.numel() == 0)
    throw Error(ErrorKind::kInternal, where,
                fmt::format("an image is [3, H, W], this tensor is {}", c10::str(image.sizes())));
  const at::Tensor values = image.detach().cpu().to(at::kFloat);
  if (!values.isfinite().all().item<bool>())
    throw Error(ErrorKind::kNonFinite, where, "the image holds NaN or Inf",
                "a 16-bit autoencoder overflows easily: run it in float32");
  const at::Tensor pixels = values.clamp(0, 1).mul(255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
  const std::string bytes = encode_png(pixels, text, where);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

StringMap read_png_text(const std::filesystem::path& path) {
  const std::string where = "read " + path.string();
  const std::string bytes = read_file(path);
  if (!is_png(bytes))
    throw Error(ErrorKind::kInput, where,
                "this is not a PNG, and only PNG files carry their settings as text",
                "use the image as it was written, not a converted copy");
  return decode_png_text(bytes, where);
}

std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder_or_file) {
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
    if (entry.is_regular_file() && is_image_file(entry.path())) images.push_back(entry.path());
  if (images.empty())
    throw Error(ErrorKind::kInput, where, "the folder holds no PNG, JPEG or WebP image",
                "put the images directly into it; folders inside it are not searched");
  std::sort(images.begin(), images.end());
  return images;
}

}  // namespace ziplora
