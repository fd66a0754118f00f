#pragma once
/// Prints in a few named colours: what is dark in a scene takes the first, what is light the last. The base
/// learns a great many of them, so that it takes colours for a matter of style and not of the subject; else a
/// style whose colours it has never seen could not be learned from one image.
///
///     palettes_of(colours, held_out)[7].words;   // "red, yellow and white"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace ziplora::mini {

struct NamedColour {
  std::string word;
  std::array<float, 3> rgb;  ///< 0…1
};

struct Palette {
  std::string words;                        ///< as a caption says it, dark to light
  std::vector<std::array<float, 3>> tones;  ///< for `map_tones`: two or three
};

/// Every two and every three of the colours in every order, without palettes in which neighbours are hard to
/// tell apart or are held out: the latter would show a held-out style.
/// @param held_out  words of two neighbours
std::vector<Palette> palettes_of(const std::vector<NamedColour>& colours,
                                 const std::vector<std::pair<std::string, std::string>>& held_out);

}  // namespace ziplora::mini
