#include "ziplora/lora/base_match.h"

#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/adapter_pieces.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

bool has_width(const std::vector<int64_t>& shape, int64_t width) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == width) return true;
    for (size_t j = i + 1; j < shape.size(); ++j)
      if (shape[i] > 1 && shape[j] > 1 && shape[i] * shape[j] == width) return true;
  }
  return false;
}

bool has_a_width_of(const TargetName& target, const std::vector<int64_t>& shape) {
  const std::vector<int64_t>& weight = target.weight_shape;
  return has_width(shape, weight[0]) || (weight.size() > 1 && has_width(shape, weight[1]));
}

/// LoKr keeps the two sides of its product in two tensors.
std::vector<int64_t> all_first_dimensions(const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<int64_t> first;
  for (const auto& shape : shapes)
    if (!shape.empty()) first.push_back(shape.front());
  return first;
}

}  // namespace

BaseMatch match_base(const std::filesystem::path& path, const TargetNames& names) {
  std::map<const TargetName*, std::vector<std::vector<int64_t>>> shapes;
  size_t unknown = 0;
  for (const AdapterPiece& piece : open_adapter_pieces(path, names))
    for (const auto& [key, info] : piece.file.tensors()) {
      const auto parsed = parse_key(piece, key, names);
      if (parsed && parsed->target == nullptr) ++unknown;
      if (parsed && parsed->target != nullptr && parsed->part != kAlphaPart)
        shapes[parsed->target].push_back(info.shape);
    }
  BaseMatch match{shapes.size() + unknown, 0};
  for (const auto& [target, of_layer] : shapes) {
    bool matches = has_a_width_of(*target, all_first_dimensions(of_layer));
    for (const auto& shape : of_layer) matches = matches || has_a_width_of(*target, shape);
    match.matching += matches;
  }
  return match;
}

}  // namespace ziplora
