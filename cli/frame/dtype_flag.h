#pragma once
/// A flag that takes a floating-point type by PyTorch's name or its short form: float16 or f16.
///
///     add_dtype_flag(app, "--file-dtype", request->dtype, "Write the factors in this type");

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <type_traits>

#include "ziplora/base/dtype_name.h"

namespace ziplora::cli {

/// @param dtype  an at::ScalarType, whose value is the default, or a std::optional of it
template <class Dtype>
CLI::Option* add_dtype_flag(CLI::App& app, const std::string& flag, Dtype& dtype, const std::string& help) {
  CLI::Option* option = app.add_option_function<std::string>(
      flag,
      [&dtype, where = app.get_name() + ": " + flag](const std::string& name) {
        dtype = parse_dtype(name, where);
      },
      fmt::format("{} ({})", help, fmt::join(dtype_names(), ", ")));
  option->type_name("DTYPE");
  if constexpr (std::is_same_v<Dtype, at::ScalarType>) option->default_str(dtype_name(dtype));
  return option;
}

}  // namespace ziplora::cli
