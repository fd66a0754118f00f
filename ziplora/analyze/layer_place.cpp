#include "ziplora/analyze/layer_place.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace ziplora {
namespace {

std::vector<std::string> words_of(std::string_view target) {
  std::vector<std::string> words(1);
  for (const char c : target)
    if (c == '.')
      words.emplace_back();
    else
      words.back() += c;
  return words;
}

std::string joined(const std::vector<std::string>& words, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += (i > begin ? "." : "") + words[i];
  return text;
}

std::string block_of(const std::vector<std::string>& words) {
  if (words[0] == "text_encoder") return "text 1";
  if (words[0] == "text_encoder_2") return "text 2";
  if (words.size() > 1 && words[1] == "mid_block") return "mid";
  if (words.size() > 2 && words[1] == "down_blocks") return "down " + words[2];
  if (words.size() > 2 && words[1] == "up_blocks") return "up " + words[2];
  return "ends";
}

/// The number of words down to the innermost numbered module, as "transformer_blocks.3" or "resnets.0".
size_t depth_of(const std::vector<std::string>& words) {
  constexpr std::array kModules = {"transformer_blocks", "attentions",  "resnets",   "downsamplers",
                                   "upsamplers",         "down_blocks", "up_blocks", "layers"};
  for (size_t i = words.size() - 1; i-- > 1;)
    if (std::ranges::find(kModules, words[i]) != kModules.end()) return i + 2;
  return 1;
}

}  // namespace

LayerPlace place_of(std::string_view target) {
  const std::vector<std::string> words = words_of(target);
  const size_t depth = std::min(depth_of(words), words.size() - 1);
  std::string module = joined(words, 1, depth);
  if (depth > 2 && words[depth - 2] == "attentions") module += ".transformer_blocks.0";
  return {block_of(words), std::move(module), joined(words, depth, words.size())};
}

}  // namespace ziplora
