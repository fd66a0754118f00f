#include "ziplora/merge/row_space_routing.h"

#include <ATen/ops/eye.h>

#include "ziplora/merge/input_routing.h"

namespace ziplora {

at::Tensor router(const std::vector<RoutedContext>& contexts, double ridge) {
  const at::Tensor& moments = contexts.front().moments;
  return routed_downs(at::eye(moments.size(0), moments.options()), contexts, ridge);
}

}  // namespace ziplora
