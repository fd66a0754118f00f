#include <ATen/ops/clamp.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cli/terminal/image_protocols.h"

namespace ziplora::cli {
namespace {

/// Levels of red, green and blue: 252 colours, and terminals have at least 256 registers.
constexpr std::array<int, 3> kLevels = {6, 7, 6};
constexpr int64_t kBand = 6;  // rows in one sixel

std::string palette() {
  std::string text;
  const auto percent = [](int level, int levels) { return (200 * level + levels - 1) / (2 * (levels - 1)); };
  for (int red = 0; red < kLevels[0]; ++red)
    for (int green = 0; green < kLevels[1]; ++green)
      for (int blue = 0; blue < kLevels[2]; ++blue)
        text += fmt::format("#{};2;{};{};{}", (red * kLevels[1] + green) * kLevels[2] + blue,
                            percent(red, kLevels[0]), percent(green, kLevels[1]), percent(blue, kLevels[2]));
  return text;
}

/// The registers of an image's pixels, row by row. What rounding a pixel loses goes to its neighbours that are still
/// to come: 7/16 right, 3/16, 5/16 and 1/16 below (Floyd and Steinberg 1976).
std::vector<uint8_t> registers_of(const at::Tensor& image) {
  const int64_t height = image.size(1), width = image.size(2);
  const at::Tensor values = image.to(at::kFloat).clamp(0.0, 1.0).contiguous().clone();
  float* const value = values.mutable_data_ptr<float>();
  std::vector<uint8_t> registers(static_cast<size_t>(height * width));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      int number = 0;
      for (size_t channel = 0; channel < 3; ++channel) {
        float* const plane = value + static_cast<int64_t>(channel) * height * width;
        const auto most = static_cast<float>(kLevels[channel] - 1);
        const float wanted = plane[y * width + x];
        const float level = std::round(std::clamp(wanted, 0.0F, 1.0F) * most);
        const float lost = wanted - level / most;
        const auto pass = [&](int64_t to_y, int64_t to_x, float share) {
          if (to_y < height && to_x >= 0 && to_x < width) plane[to_y * width + to_x] += lost * share / 16;
        };
        pass(y, x + 1, 7);
        pass(y + 1, x - 1, 3);
        pass(y + 1, x, 5);
        pass(y + 1, x + 1, 1);
        number = number * kLevels[channel] + static_cast<int>(level);
      }
      registers[static_cast<size_t>(y * width + x)] = static_cast<uint8_t>(number);
    }
  return registers;
}

/// "!count character", or the characters themselves where that is shorter.
void append_run(std::string& text, char sixel, int64_t count) {
  if (count > 3)
    text += fmt::format("!{}{}", count, sixel);
  else
    text.append(static_cast<size_t>(count), sixel);
}

/// One colour's share of six rows.
void append_colour(std::string& text, int number, const std::vector<uint8_t>& registers, int64_t top,
                   int64_t rows, int64_t width) {
  text += fmt::format("#{}", number);
  char before = 0;
  int64_t run = 0;
  for (int64_t x = 0; x < width; ++x) {
    int bits = 0;
    for (int64_t row = 0; row < rows; ++row)
      if (registers[static_cast<size_t>((top + row) * width + x)] == number) bits |= 1 << row;
    const char sixel = static_cast<char>('?' + bits);
    if (sixel != before && run > 0) {
      append_run(text, before, run);
      run = 0;
    }
    before = sixel;
    ++run;
  }
  append_run(text, before, run);
  text += '$';  // back to the left, for the next colour
}

}  // namespace

std::string sixel_image(const at::Tensor& image) {
  const int64_t height = image.size(1), width = image.size(2);
  const std::vector<uint8_t> registers = registers_of(image);
  std::string text = fmt::format("\x1bP0;1;0q\"1;1;{};{}", width, height) + palette();
  for (int64_t top = 0; top < height; top += kBand) {
    const int64_t rows = std::min(kBand, height - top);
    std::array<bool, 256> is_used{};
    for (int64_t i = top * width; i < (top + rows) * width; ++i)
      is_used[registers[static_cast<size_t>(i)]] = true;
    for (int number = 0; number < 256; ++number)
      if (is_used[static_cast<size_t>(number)]) append_colour(text, number, registers, top, rows, width);
    text += '-';  // the next six rows
  }
  return text + "\x1b\\\n";
}

}  // namespace ziplora::cli
