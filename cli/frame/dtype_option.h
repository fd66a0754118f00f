#pragma once
/// A flag that takes a dtype, in torch's names or the short ones of file listings: float16 or f16.
///
///     takes_dtype(app.add_option("--dtype", flags->dtype, "of the written factors"));

#include <CLI/CLI.hpp>

#include <map>
#include <string>

#include "ziplora/app/device_policy.h"

namespace ziplora::cli {

inline CLI::Option* takes_dtype(CLI::Option* option) {
  const std::map<std::string, std::string> short_names{
      {"f32", "float32"}, {"f16", "float16"}, {"fp16", "float16"}, {"fp32", "float32"}, {"bf16", "bfloat16"}};
  CLI::Transformer spelled_out(short_names);
  spelled_out.description("");  // the help lists the long names
  return option->check(CLI::IsMember(dtype_names()))->transform(spelled_out);
}

}  // namespace ziplora::cli
