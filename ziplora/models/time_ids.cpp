#include "ziplora/models/time_ids.h"

#include <ATen/ops/tensor.h>

namespace ziplora {

at::Tensor time_ids(const ImageFraming& framing, int64_t rows) {
  return at::tensor({framing.original_height, framing.original_width, framing.crop_top, framing.crop_left,
                     framing.target_height, framing.target_width},
                    at::kFloat)
      .expand({rows, 6})
      .contiguous();
}

}  // namespace ziplora
