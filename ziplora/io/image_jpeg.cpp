#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstdio>  // jpeglib.h needs FILE
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>

#include "ziplora/io/image_codecs.h"

// As in image_png.cpp: functions with setjmp have only plain locals.

namespace ziplora {
namespace {

struct JpegReader {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
  bool cut_short = false;

  JpegReader() {
    info.err = jpeg_std_error(&errors);
    info.client_data = this;
    errors.error_exit = [](j_common_ptr common) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      common->err->format_message(common, reader->message);
      longjmp(reader->jump, 1);
    };
    // The library paints what is missing grey and only warns; other warnings are harmless.
    errors.emit_message = [](j_common_ptr common, int level) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      const int code = common->err->msg_code;
      if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) reader->cut_short = true;
    };
    errors.output_message = [](j_common_ptr) {};
    jpeg_create_decompress(&info);
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  }
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
};

/// The library refuses empty bytes by a jump, so they are given to it here and not in the constructor.
bool read_header(JpegReader& reader, std::string_view bytes) {
  if (setjmp(reader.jump)) return false;
  jpeg_mem_src(&reader.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&reader.info, TRUE);
  return true;
}

bool read_pixels(JpegReader& reader, unsigned char* pixels, int64_t row_bytes) {
  if (setjmp(reader.jump)) return false;
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    JSAMPROW row = pixels + row_bytes * reader.info.output_scanline;
    jpeg_read_scanlines(&reader.info, &row, 1);
  }
  jpeg_finish_decompress(&reader.info);
  return true;
}

/// To be asked before read_pixels, whose end frees the saved markers.
int orientation_of(const JpegReader& reader) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  for (jpeg_saved_marker_ptr marker = reader.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view content(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (content.starts_with(kExif)) return exif_orientation(content.substr(kExif.size()));
  }
  return 1;
}

/// Ink to light, in place of the first three channels. Adobe's files hold inverted ink.
at::Tensor rgb_of_cmyk(const at::Tensor& cmyk, bool inverted) {
  at::Tensor ink = cmyk.to(at::kFloat) / 255;
  if (!inverted) ink = 1 - ink;
  const at::Tensor rgb = ink.narrow(2, 0, 3) * ink.narrow(2, 3, 1);
  return (rgb * 255).round().to(at::kByte);
}

}  // namespace

DecodedImage decode_jpeg(std::string_view bytes, const std::string& where) {
  JpegReader reader;
  if (!read_header(reader, bytes))
    refuse_image(where, fmt::format("the JPEG is damaged: {}", reader.message));
  const int64_t width = reader.info.image_width, height = reader.info.image_height;
  check_image_size(width, height, where);
  const bool cmyk = reader.info.jpeg_color_space == JCS_CMYK || reader.info.jpeg_color_space == JCS_YCCK;
  reader.info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  const int64_t channels = cmyk ? 4 : 3;
  DecodedImage image{at::empty({height, width, channels}, at::kByte), orientation_of(reader)};
  if (!read_pixels(reader, static_cast<unsigned char*>(image.pixels.data_ptr()), width * channels))
    refuse_image(where, fmt::format("the JPEG is damaged: {}", reader.message));
  if (reader.cut_short) refuse_image(where, "the JPEG is cut short or damaged: pixel data is missing");
  if (cmyk) image.pixels = rgb_of_cmyk(image.pixels, reader.info.saw_Adobe_marker);
  return image;
}

}  // namespace ziplora
