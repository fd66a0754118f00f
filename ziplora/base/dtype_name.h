#pragma once
/// Names of the floating-point types as flags, settings and files spell them, in one table for every command.
///
///     at::ScalarType dtype = parse_dtype("f16", "train: --dtype");   // at::kHalf, as "float16" and "fp16"
///     std::string name = dtype_name(dtype);                          // "float16"

#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

namespace ziplora {

/// float32, bfloat16, float16
const std::vector<std::string>& dtype_names();

/// @throws Error(kInternal) for a type that no flag names
std::string dtype_name(at::ScalarType dtype);

/// Takes PyTorch's names and the short ones of file listings: float16, f16 or fp16.
/// @param where  opens the error message
/// @throws Error(kUsage) that proposes the nearest name
at::ScalarType parse_dtype(const std::string& name, const std::string& where);

}  // namespace ziplora
