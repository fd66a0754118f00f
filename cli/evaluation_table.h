#pragma once
/// The tables of a comparison, as `ziplora evaluate` prints them: the judge that leads, then each further one.

#include <string>

#include "ziplora/app/evaluate.h"

namespace ziplora::cli {

std::string evaluation_table(const EvaluateResult& result);

}  // namespace ziplora::cli
