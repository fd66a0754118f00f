#include "ziplora/lora/attention_projection.h"

#include <algorithm>
#include <array>

namespace ziplora {
namespace {

bool is_projection_of(std::string_view path, std::string_view attention) {
  static constexpr std::array<std::string_view, 4> kProjections{".to_q", ".to_k", ".to_v", ".to_out.0"};
  return path.find(attention) != std::string_view::npos &&
         std::any_of(kProjections.begin(), kProjections.end(),
                     [&](std::string_view projection) { return path.ends_with(projection); });
}

}  // namespace

bool is_attention_projection(std::string_view path) {
  return is_projection_of(path, ".attn1.") || is_cross_attention_projection(path);
}

bool is_cross_attention_projection(std::string_view path) { return is_projection_of(path, ".attn2."); }

bool is_prompt_projection(std::string_view path) {
  return path.ends_with(".attn2.to_k") || path.ends_with(".attn2.to_v");
}

}  // namespace ziplora
