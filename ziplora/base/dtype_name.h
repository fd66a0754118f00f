#pragma once
/// The names of the floating-point types in flags, settings and files, in one table for all commands.
///
///     at::ScalarType dtype = parse_dtype("f16", "train: --dtype");  // at::kHalf
///     std::string name = dtype_name(dtype);                         // "float16"

#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

namespace ziplora {

/// float32, bfloat16, float16
const std::vector<std::string>& dtype_names();

/// @throws Error(kInternal) for a type that no flag names
std::string dtype_name(at::ScalarType dtype);

/// Accepts PyTorch's names and the usual short forms: float16, f16 or fp16.
/// @param where  opens the error message
/// @throws Error(kUsage) with the nearest name in its hint
at::ScalarType parse_dtype(const std::string& name, const std::string& where);

}  // namespace ziplora
