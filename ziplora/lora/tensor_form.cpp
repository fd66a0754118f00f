#include "ziplora/lora/tensor_form.h"

#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/io/safetensors_dtype.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

// Allows ranks up to 2,000 on SDXL's widest layers, more than concatenations of many files have.
constexpr int64_t kMostOfAWeight = 4;
constexpr int64_t kAlwaysFine = int64_t{1} << 22;

/// The product does not overflow: the container's reader has checked it.
int64_t elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

bool is_integer(const TensorInfo& info) {
  const auto type = find_safetensors_dtype(info.dtype)->type;
  return type && c10::isIntegralType(*type, /*includeBool=*/true);
}

bool is_complex(const TensorInfo& info) {
  const auto type = find_safetensors_dtype(info.dtype)->type;
  return type && c10::isComplexType(*type);
}

}  // namespace

std::string problem_of_form(const std::string& part, const TargetName& target, const TensorInfo& info) {
  const int64_t count = elements(info.shape);
  const std::string shape = fmt::format("is [{}]", fmt::join(info.shape, ", "));
  if (is_complex(info)) return "is complex (" + info.dtype + "), a LoRA holds real numbers";
  if (part == kAlphaPart) return count == 1 ? "" : shape + ", an alpha is one number";
  const bool may_be_flag = may_have_any_shape(part) && count == 1;  // IA3's on_input, OFT's scaled_oft
  if (is_integer(info) && !may_be_flag)
    return "holds whole numbers (" + info.dtype + "), as a quantised file does; a factor is F16, BF16 or F32";
  const size_t dims = info.shape.size();
  const bool is_matrix = !may_have_any_shape(part) && !target.is_norm();
  if (is_matrix && dims != 2 && dims != 4) return shape + ", a LoRA factor has 2 or 4 dimensions";
  if (dims > 8) return shape + ", more dimensions than any part of an adapter has";
  if (count > std::max(kAlwaysFine, kMostOfAWeight * elements(target.weight_shape)))
    return shape +
           fmt::format(", much larger than its layer's weight [{}]", fmt::join(target.weight_shape, ", "));
  return "";
}

}  // namespace ziplora
