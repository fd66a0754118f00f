#include "mini/world/palette.h"

#include <algorithm>
#include <cmath>

namespace ziplora::mini {
namespace {

/// Euclidean, in RGB of 0…1: white and cream, orange and gold lie nearer.
constexpr float kToldApart = 0.45f;

float distance(const NamedColour& a, const NamedColour& b) {
  float sum = 0;
  for (int channel = 0; channel < 3; ++channel) sum += std::pow(a.rgb[channel] - b.rgb[channel], 2.0f);
  return std::sqrt(sum);
}

}  // namespace

std::vector<Palette> palettes_of(const std::vector<NamedColour>& colours,
                                 const std::vector<std::pair<std::string, std::string>>& held_out) {
  const auto fit = [&](const NamedColour& darker, const NamedColour& lighter) {
    return distance(darker, lighter) >= kToldApart &&
           std::find(held_out.begin(), held_out.end(), std::pair(darker.word, lighter.word)) ==
               held_out.end();
  };
  std::vector<Palette> result;
  for (const NamedColour& first : colours)
    for (const NamedColour& second : colours) {
      if (!fit(first, second)) continue;
      result.push_back({first.word + " and " + second.word, {first.rgb, second.rgb}});
      for (const NamedColour& third : colours)
        if (third.word != first.word && fit(second, third))
          result.push_back(
              {first.word + ", " + second.word + " and " + third.word, {first.rgb, second.rgb, third.rgb}});
    }
  return result;
}

}  // namespace ziplora::mini
