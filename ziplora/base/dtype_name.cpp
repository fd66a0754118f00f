#include "ziplora/base/dtype_name.h"

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

struct DtypeName {
  at::ScalarType dtype;
  const char* name;
  std::vector<std::string> short_names;
};

const std::vector<DtypeName>& table() {
  static const std::vector<DtypeName> rows = {{at::kFloat, "float32", {"f32", "fp32"}},
                                              {at::kBFloat16, "bfloat16", {"bf16"}},
                                              {at::kHalf, "float16", {"f16", "fp16"}}};
  return rows;
}

}  // namespace

const std::vector<std::string>& dtype_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const DtypeName& row : table()) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::string dtype_name(at::ScalarType dtype) {
  for (const DtypeName& row : table())
    if (row.dtype == dtype) return row.name;
  throw Error(ErrorKind::kInternal, "dtype", std::string("no flag names ") + c10::toString(dtype));
}

at::ScalarType parse_dtype(const std::string& name, const std::string& where) {
  for (const DtypeName& row : table()) {
    if (name == row.name) return row.dtype;
    for (const std::string& short_name : row.short_names)
      if (name == short_name) return row.dtype;
  }
  throw unknown_name(where, name, dtype_names());
}

}  // namespace ziplora
