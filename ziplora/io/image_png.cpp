#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/io/image_codecs.h"

// libpng reports errors by longjmp, which must not cross a C++ destructor: every function that calls setjmp
// here has only plain locals, and all memory belongs to the objects outside of it.

namespace ziplora {
namespace {

struct Failure {
  char message[128] = "unknown error";
};

void on_error(png_structp png, png_const_charp message) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::strncpy(failure->message, message, sizeof failure->message - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

struct PngReader {
  std::string_view bytes;
  size_t position = 0;
  Failure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit PngReader(std::string_view source) : bytes(source) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    info = png == nullptr ? nullptr : png_create_info_struct(png);
    if (info == nullptr)
      throw Error(ErrorKind::kExhausted, "read PNG", "out of memory", "use a smaller image");
    png_set_read_fn(png, this, [](png_structp p, png_bytep into, size_t size) {
      auto* reader = static_cast<PngReader*>(png_get_io_ptr(p));
      if (size > reader->bytes.size() - reader->position) png_error(p, "the file is cut short");
      std::memcpy(into, reader->bytes.data() + reader->position, size);
      reader->position += size;
    });
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

bool read_header(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_info(reader.png, reader.info);
  return true;
}

/// Asks for 8-bit RGB or RGBA whatever the file holds.
bool set_transforms(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_set_scale_16(reader.png);
  png_set_expand(reader.png);  // palette and low-bit grey to 8 bits, tRNS to alpha
  png_set_gray_to_rgb(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

bool skip_to_end(PngReader& reader, png_bytep row, png_uint_32 height, int passes) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  for (int pass = 0; pass < passes; ++pass)
    for (png_uint_32 y = 0; y < height; ++y) png_read_row(reader.png, row, nullptr);
  png_read_end(reader.png, reader.info);
  return true;
}

struct PngWriter {
  std::string bytes;
  Failure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;

  PngWriter() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    info = png == nullptr ? nullptr : png_create_info_struct(png);
    if (info == nullptr)
      throw Error(ErrorKind::kExhausted, "write PNG", "out of memory", "make a smaller image");
    png_set_write_fn(
        png, this,
        [](png_structp p, png_bytep from, size_t size) {
          static_cast<PngWriter*>(png_get_io_ptr(p))->bytes.append(reinterpret_cast<const char*>(from), size);
        },
        [](png_structp) {});
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
};

bool write_all(PngWriter& writer, png_uint_32 width, png_uint_32 height, png_bytepp rows, png_textp text,
               int count) {
  if (setjmp(png_jmpbuf(writer.png))) return false;
  png_set_IHDR(writer.png, writer.info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (count > 0) png_set_text(writer.png, writer.info, text, count);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, writer.info);
  return true;
}

std::vector<png_bytep> row_pointers(const at::Tensor& pixels) {
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < pixels.size(0); ++y)
    rows.push_back(static_cast<png_bytep>(pixels.data_ptr()) + y * pixels.size(1) * pixels.size(2));
  return rows;
}

/// tEXt is Latin-1 by the standard, and C strings in the library's interface.
std::string latin1_to_utf8(std::string_view text) {
  std::string utf8;
  for (unsigned char c : text) {
    if (c < 0x80) {
      utf8 += static_cast<char>(c);
    } else {
      utf8 += static_cast<char>(0xC0 | c >> 6);
      utf8 += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return utf8;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

DecodedImage decode_png(std::string_view bytes, const std::string& where) {
  PngReader reader(bytes);
  if (!read_header(reader))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));
  const int64_t width = png_get_image_width(reader.png, reader.info);
  const int64_t height = png_get_image_height(reader.png, reader.info);
  check_image_size(width, height, where);
  if (!set_transforms(reader))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));
  const int64_t channels = png_get_channels(reader.png, reader.info);
  DecodedImage image{at::empty({height, width, channels}, at::kByte)};
  std::vector<png_bytep> rows = row_pointers(image.pixels);
  if (!read_rows(reader, rows.data()))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));
  png_bytep exif = nullptr;
  png_uint_32 exif_size = 0;
  if (png_get_eXIf_1(reader.png, reader.info, &exif_size, &exif) != 0)
    image.orientation = exif_orientation({reinterpret_cast<const char*>(exif), exif_size});
  return image;
}

StringMap decode_png_text(std::string_view bytes, const std::string& where) {
  PngReader reader(bytes);
  if (!read_header(reader))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));
  const png_uint_32 height = png_get_image_height(reader.png, reader.info);
  check_pixel_count(png_get_image_width(reader.png, reader.info), height, where);
  // Text may stand behind the pixels, so these are read as well, one row at a time.
  if (!set_transforms(reader))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));
  const int passes = png_get_interlace_type(reader.png, reader.info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
  std::vector<unsigned char> row(png_get_rowbytes(reader.png, reader.info));
  if (!skip_to_end(reader, row.data(), height, passes))
    refuse_image(where, fmt::format("the PNG is damaged: {}", reader.failure.message));

  StringMap result;
  png_textp text = nullptr;
  const int count = png_get_text(reader.png, reader.info, &text, nullptr);
  for (int i = 0; i < count; ++i) {
    const bool utf8 = text[i].compression >= PNG_ITXT_COMPRESSION_NONE;
    const std::string value(text[i].text, utf8 ? text[i].itxt_length : text[i].text_length);
    result.try_emplace(latin1_to_utf8(text[i].key), utf8 ? value : latin1_to_utf8(value));
  }
  return result;
}

std::string encode_png(const at::Tensor& pixels, const StringMap& text, const std::string& where) {
  constexpr size_t kCompressFromBytes = 4096;  // shorter texts stay readable with `strings`
  std::vector<png_text> chunks;
  for (const auto& [key, value] : text) {
    const bool sound_key = !key.empty() && key.size() <= 79 && is_ascii(key) && key.front() != ' ' &&
                           key.back() != ' ' && key.find("  ") == std::string::npos &&
                           std::none_of(key.begin(), key.end(), [](char c) { return c < 32 || c == 127; });
    if (!sound_key)
      throw Error(
          ErrorKind::kInternal, where,
          fmt::format("the text keyword \"{}\" is not 1 to 79 ASCII letters without outer or double spaces",
                      key));
    if (value.find('\0') != std::string::npos)
      throw Error(ErrorKind::kInput, where, fmt::format("the text of \"{}\" holds a NUL", key), "remove it");
    const bool compress = value.size() >= kCompressFromBytes;
    png_text chunk{};
    if (is_ascii(value))
      chunk.compression = compress ? PNG_TEXT_COMPRESSION_zTXt : PNG_TEXT_COMPRESSION_NONE;
    else
      chunk.compression = compress ? PNG_ITXT_COMPRESSION_zTXt : PNG_ITXT_COMPRESSION_NONE;
    // The interface takes mutable pointers and does not write to them.
    chunk.key = const_cast<char*>(key.c_str());
    chunk.text = const_cast<char*>(value.c_str());
    chunk.text_length = value.size();
    chunks.push_back(chunk);
  }
  PngWriter writer;
  std::vector<png_bytep> rows = row_pointers(pixels);
  if (!write_all(writer, static_cast<png_uint_32>(pixels.size(1)), static_cast<png_uint_32>(pixels.size(0)),
                 rows.data(), chunks.data(), static_cast<int>(chunks.size())))
    // Of pixels and texts that have been checked, only for want of memory.
    throw Error(ErrorKind::kExhausted, where,
                fmt::format("encoding the PNG failed: {}", writer.failure.message), "make a smaller image");
  return std::move(writer.bytes);
}

}  // namespace ziplora
