#include "ziplora/io/safetensors_dtype.h"

namespace ziplora {
namespace {

using T = at::ScalarType;
// In the order of the reference's Dtype enum (huggingface/safetensors, safetensors/src/tensor.rs): its writer
// sorts by this order, descending, so that equal tensors give equal bytes in both.
constexpr SafetensorsDtype kDtypes[] = {
    {"BOOL", 8, T::Bool, 0},
    {"F4", 4, std::nullopt, 1},
    {"F6_E2M3", 6, std::nullopt, 2},
    {"F6_E3M2", 6, std::nullopt, 3},
    {"U8", 8, T::Byte, 4},
    {"I8", 8, T::Char, 5},
    {"F8_E5M2", 8, T::Float8_e5m2, 6},
    {"F8_E4M3", 8, T::Float8_e4m3fn, 7},
    {"F8_E8M0", 8, T::Float8_e8m0fnu, 8},
    {"F8_E4M3FNUZ", 8, T::Float8_e4m3fnuz, 9},
    {"F8_E5M2FNUZ", 8, T::Float8_e5m2fnuz, 10},
    {"I16", 16, T::Short, 11},
    {"U16", 16, T::UInt16, 12},
    {"F16", 16, T::Half, 13},
    {"BF16", 16, T::BFloat16, 14},
    {"I32", 32, T::Int, 15},
    {"U32", 32, T::UInt32, 16},
    {"F32", 32, T::Float, 17},
    {"C64", 64, T::ComplexFloat, 18},
    {"F64", 64, T::Double, 19},
    {"I64", 64, T::Long, 20},
    {"U64", 64, T::UInt64, 21},
};

}  // namespace

const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
  for (const SafetensorsDtype& dtype : kDtypes)
    if (dtype.name == name) return &dtype;
  return nullptr;
}

const SafetensorsDtype* find_safetensors_dtype(at::ScalarType type) {
  for (const SafetensorsDtype& dtype : kDtypes)
    if (dtype.type == type) return &dtype;
  return nullptr;
}

std::string safetensors_dtype_names() {
  std::string names;
  for (const SafetensorsDtype& dtype : kDtypes)
    names += (names.empty() ? "" : ", ") + std::string(dtype.name);
  return names;
}

}  // namespace ziplora
