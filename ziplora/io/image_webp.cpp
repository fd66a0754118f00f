#include <ATen/ops/empty.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "ziplora/io/image_codecs.h"

namespace ziplora {
namespace {

int orientation_of(const WebPData& file) {
  WebPDemuxer* demuxer = WebPDemux(&file);
  if (demuxer == nullptr) return 1;
  int orientation = 1;
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
    std::string_view exif(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
    constexpr std::string_view kPrefix("Exif\0\0", 6);  // some writers keep JPEG's prefix
    if (exif.starts_with(kPrefix)) exif.remove_prefix(kPrefix.size());
    orientation = exif_orientation(exif);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  WebPDemuxDelete(demuxer);
  return orientation;
}

}  // namespace

DecodedImage decode_webp(std::string_view bytes, const std::string& where) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK)
    refuse_image(where, "the WebP is damaged or cut short");
  if (features.has_animation) refuse_image(where, "this WebP is an animation, a single image was expected");
  check_image_size(features.width, features.height, where);
  const int64_t channels = features.has_alpha ? 4 : 3;
  DecodedImage image{at::empty({features.height, features.width, channels}, at::kByte)};
  auto* pixels = static_cast<uint8_t*>(image.pixels.data_ptr());
  const auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data, bytes.size(), pixels, image.pixels.nbytes(),
             static_cast<int>(features.width * channels)) == nullptr)
    refuse_image(where, "the WebP is damaged or cut short");
  image.orientation = orientation_of({data, bytes.size()});
  return image;
}

}  // namespace ziplora
