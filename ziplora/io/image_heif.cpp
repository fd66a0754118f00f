#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <libheif/heif.h>

#include <cstring>
#include <memory>

#include "ziplora/io/image_codecs.h"

namespace ziplora {
namespace {

constexpr int kSideLimitPixels = 32768;  ///< the library's own

using Context = std::unique_ptr<heif_context, decltype(&heif_context_free)>;
using Handle = std::unique_ptr<const heif_image_handle, decltype(&heif_image_handle_release)>;
using Image = std::unique_ptr<const heif_image, decltype(&heif_image_release)>;

void check(const heif_error& error, const std::string& where) {
  if (error.code == heif_error_Ok) return;
  const bool no_decoder = error.code == heif_error_Unsupported_filetype ||
                          error.code == heif_error_Unsupported_feature ||
                          error.subcode == heif_suberror_Unsupported_codec;
  refuse_image(where, fmt::format("{}: {}",
                                  no_decoder ? "the HEIC or AVIF is of a form that is not read"
                                             : "the HEIC or AVIF is damaged",
                                  error.message == nullptr ? "unknown error" : error.message));
}

Handle primary_image(heif_context* context, std::string_view bytes, const std::string& where) {
  check(heif_context_read_from_memory_without_copy(context, bytes.data(), bytes.size(), nullptr), where);
  heif_image_handle* handle = nullptr;
  check(heif_context_get_primary_image_handle(context, &handle), where);
  return {handle, heif_image_handle_release};
}

}  // namespace

DecodedImage decode_heif(std::string_view bytes, const std::string& where) {
  const Context context(heif_context_alloc(), heif_context_free);
  heif_context_set_maximum_image_size_limit(context.get(), kSideLimitPixels);
  heif_context_set_max_decoding_threads(context.get(), 1);
  const Handle handle = primary_image(context.get(), bytes, where);
  // The library turns and mirrors the image itself, so EXIF's orientation is not asked.
  check_image_size(heif_image_handle_get_width(handle.get()), heif_image_handle_get_height(handle.get()),
                   where);
  const bool has_alpha = heif_image_handle_has_alpha_channel(handle.get()) != 0;
  heif_image* decoded = nullptr;
  check(heif_decode_image(handle.get(), &decoded, heif_colorspace_RGB,
                          has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, nullptr),
        where);
  const Image image(decoded, heif_image_release);
  const int64_t width = heif_image_get_primary_width(image.get()),
                height = heif_image_get_primary_height(image.get()), channels = has_alpha ? 4 : 3;
  check_image_size(width, height, where);  // of what was decoded, which a damaged file says differently
  int stride = 0;
  const uint8_t* plane = heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
  const auto row_bytes = static_cast<size_t>(width * channels);
  if (plane == nullptr || static_cast<size_t>(stride) < row_bytes)
    refuse_image(where, "the HEIC or AVIF is damaged: it decodes to no pixels");
  DecodedImage result{at::empty({height, width, channels}, at::kByte)};
  auto* to = result.pixels.mutable_data_ptr<uint8_t>();
  for (int64_t y = 0; y < height; ++y, to += row_bytes) std::memcpy(to, plane + y * stride, row_bytes);
  return result;
}

}  // namespace ziplora
