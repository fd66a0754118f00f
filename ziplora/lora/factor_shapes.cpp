#include "ziplora/lora/factor_shapes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ziplora {

FactorShapes factor_shapes(at::IntArrayRef weight_shape, int64_t rank) {
  FactorShapes shapes{.down = weight_shape.vec(), .up = {weight_shape[0], rank}};
  shapes.down[0] = rank;
  if (weight_shape.size() == 4) shapes.up.insert(shapes.up.end(), {1, 1});
  return shapes;
}

bool factors_fit(const LoraLayer& layer, at::IntArrayRef weight_shape) {
  const FactorShapes needed = factor_shapes(weight_shape, layer.rank());
  return layer.down.sizes() == needed.down && layer.up.sizes() == needed.up;
}

std::string describe_shapes(const LoraLayer& layer) {
  return fmt::format("down [{}] and up [{}]", fmt::join(layer.down.sizes(), ", "),
                     fmt::join(layer.up.sizes(), ", "));
}

}  // namespace ziplora
