#pragma once
/// The dtype names of safetensors headers, their sizes, and their torch types. Reader and writer share one
/// table.

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <string_view>

namespace ziplora {

struct SafetensorsDtype {
  std::string_view name;               ///< "F16"
  int bits;                            ///< per element; 4 and 6 exist and have no torch equivalent
  std::optional<at::ScalarType> type;  ///< none when torch has no such dtype
  int write_rank;  ///< data is laid out by descending rank, widest dtype first, as in the reference
};

/// @return nullptr for an unknown name
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);
/// @return nullptr for a torch dtype that the format cannot hold
const SafetensorsDtype* find_safetensors_dtype(at::ScalarType type);
/// "BOOL, U8, …", for messages
std::string safetensors_dtype_names();

}  // namespace ziplora
