#pragma once
/// Text for the labels of a contact sheet: measured, wrapped and drawn by FreeType in the font that comes
/// with the program, so that a sheet looks the same on every machine. One line runs from left to right, with
/// kerning; there are no ligatures and no right-to-left scripts. A character that the font lacks is drawn as
/// the font's box.
///
///     LabelFont font(18);                                     // pixels
///     at::Tensor page = at::full({40, 220}, 255, at::kByte);  // white
///     int64_t baseline = 18;
///     for (const std::string& line : font.wrap("a ghost at night", 220)) {
///       font.draw(page, line, /*left=*/0, baseline);
///       baseline += 23;
///     }
///
/// Texts are UTF-8. Bytes that are not are drawn as U+FFFD, since the name of a file may hold any.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ziplora {

/// @throws Error(kInput) if the font is not among the program's assets
std::filesystem::path label_font_file();

class LabelFont {
 public:
  /// @param pixels  height of the em square
  /// @throws Error(kInput) if the font is missing or cannot be read
  explicit LabelFont(int64_t pixels);
  ~LabelFont();

  /// In pixels, with kerning.
  int64_t width(const std::string& text) const;

  /// Lines no wider than `width`, broken between words; a word that is wider by itself is broken between
  /// characters.
  /// @return at least one line
  std::vector<std::string> wrap(const std::string& text, int64_t width) const;

  /// Darkens the page where the letters are; what lies beyond its edges is cut off.
  /// @param page      [H, W] uint8, contiguous, 255 is white
  /// @param left      pixel column where the first letter starts
  /// @param baseline  pixel row that the letters stand on
  void draw(at::Tensor& page, const std::string& text, int64_t left, int64_t baseline) const;

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace ziplora
