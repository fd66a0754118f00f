#include "ziplora/pipeline/label_text.h"

#include <ft2build.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include FT_FREETYPE_H

#include "ziplora/base/assets.h"
#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr const char* kFontAsset = "fonts/DejaVuSans.ttf";
// Stems are snapped to whole rows only, which keeps the shapes of small letters.
constexpr FT_Int32 kLoadFlags = FT_LOAD_TARGET_LIGHT;

/// FreeType counts in 26.6 fixed point.
int64_t whole_pixels(FT_Pos position) { return (position + 32) >> 6; }

std::string valid_utf8(const std::string& text) {
  std::string valid;
  return icu::UnicodeString::fromUTF8(text).toUTF8String(valid);
}

/// Where the UTF-8 character at `begin` ends.
size_t after_character(const std::string& text, size_t begin) {
  auto end = static_cast<int64_t>(begin);
  const auto length = static_cast<int64_t>(text.size());
  U8_FWD_1(text, end, length);
  return static_cast<size_t>(end);
}

[[noreturn]] void unreadable(const std::filesystem::path& file) {
  throw Error(ErrorKind::kInput, "labels: " + file.string(), "FreeType cannot read this font",
              "restore it from ziplora's repository: assets/" + std::string(kFontAsset));
}

}  // namespace

std::filesystem::path label_font_file() {
  if (const auto file = find_asset(kFontAsset)) return *file;
  std::string searched;
  for (const std::filesystem::path& place : asset_places(kFontAsset))
    searched += (searched.empty() ? "" : " and ") + place.string();
  throw Error(ErrorKind::kInput, "labels", "the font of the labels is missing: it is not at " + searched,
              "copy it there from ziplora's repository: assets/" + std::string(kFontAsset));
}

/// FreeType's handles, and the advance of every character met so far: wrapping measures the same ones many
/// times.
struct LabelFont::Face {
  struct Glyph {
    FT_UInt index;
    int64_t advance;  // pixels
  };

  Face(const std::filesystem::path& file, int64_t pixels) : file(file) {
    if (FT_Init_FreeType(&library) != 0)
      throw Error(ErrorKind::kExhausted, "labels", "FreeType does not start", "free some memory");
    if (FT_New_Face(library, file.c_str(), 0, &face) != 0 ||
        FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(pixels)) != 0) {
      FT_Done_FreeType(library);  // and the face with it
      unreadable(file);
    }
  }
  ~Face() { FT_Done_FreeType(library); }
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  const Glyph& glyph(UChar32 character) {
    const auto [found, is_new] = glyphs.try_emplace(character);
    if (is_new) {
      const FT_UInt index =
          FT_Get_Char_Index(face, static_cast<FT_ULong>(character));  // 0, the box, if unknown
      if (FT_Load_Glyph(face, index, kLoadFlags) != 0) unreadable(file);
      found->second = {index, whole_pixels(face->glyph->advance.x)};
    }
    return found->second;
  }

  int64_t kerning(const Glyph& left, const Glyph& right) const {
    FT_Vector distance{};
    if (FT_Get_Kerning(face, left.index, right.index, FT_KERNING_DEFAULT, &distance) != 0) return 0;
    return whole_pixels(distance.x);
  }

  /// Calls place(glyph, x) for each character, x from 0. @return the width of all
  template <class Place>
  int64_t lay_out(const std::string& text, const Place& place) {
    int64_t x = 0;
    std::optional<Glyph> before;
    const auto length = static_cast<int64_t>(text.size());
    for (int64_t i = 0; i < length;) {
      UChar32 character = 0;
      U8_NEXT_OR_FFFD(text.data(), i, length, character);
      const Glyph next = glyph(character);
      if (before) x += kerning(*before, next);
      place(next, x);
      x += next.advance;
      before = next;
    }
    return x;
  }

  std::filesystem::path file;
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  std::unordered_map<UChar32, Glyph> glyphs;
};

LabelFont::LabelFont(int64_t pixels) : face_(std::make_unique<Face>(label_font_file(), pixels)) {}
LabelFont::~LabelFont() = default;

int64_t LabelFont::width(const std::string& text) const {
  return face_->lay_out(text, [](const Face::Glyph&, int64_t) {});
}

std::vector<std::string> LabelFont::wrap(const std::string& text, int64_t width) const {
  const std::string whole = valid_utf8(text);
  const auto fits = [&](const std::string& line) { return this->width(line) <= width; };
  std::vector<std::string> lines(1);
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = std::min(whole.find(' ', begin), whole.size());
    std::string word = whole.substr(begin, end - begin);
    begin = end + 1;
    const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
    if (fits(longer)) {
      lines.back() = longer;
      continue;
    }
    if (!lines.back().empty()) lines.emplace_back();
    while (!fits(word)) {
      size_t length = after_character(word, 0);
      if (length == word.size()) break;  // a single character that is wider than the line
      for (size_t next = length; fits(word.substr(0, next)); next = after_character(word, next))
        length = next;
      lines.back() = word.substr(0, length);
      word.erase(0, length);
      lines.emplace_back();
    }
    lines.back() = word;
  }
  return lines;
}

void LabelFont::draw(at::Tensor& page, const std::string& text, int64_t left, int64_t baseline) const {
  const int64_t height = page.size(0), width = page.size(1);
  auto* pixels = page.data_ptr<uint8_t>();
  face_->lay_out(text, [&](const Face::Glyph& glyph, int64_t x) {
    if (FT_Load_Glyph(face_->face, glyph.index, kLoadFlags | FT_LOAD_RENDER) != 0) unreadable(face_->file);
    const FT_GlyphSlot slot = face_->face->glyph;
    const FT_Bitmap& coverage = slot->bitmap;  // one byte a pixel, 255 where the letter covers all of it
    for (int64_t row = 0; row < static_cast<int64_t>(coverage.rows); ++row)
      for (int64_t column = 0; column < static_cast<int64_t>(coverage.width); ++column) {
        const int64_t page_row = baseline - slot->bitmap_top + row,
                      page_column = left + x + slot->bitmap_left + column;
        if (page_row < 0 || page_row >= height || page_column < 0 || page_column >= width) continue;
        uint8_t& pixel = pixels[page_row * width + page_column];
        const int ink = coverage.buffer[row * coverage.pitch + column];
        pixel = static_cast<uint8_t>(pixel * (255 - ink) / 255);
      }
  });
}

}  // namespace ziplora
