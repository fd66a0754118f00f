#pragma once
/// What lower ranks cost, for people: a table of the layers that lost most, and the error of all together.

#include <string>

#include "ziplora/app/approximation.h"

namespace ziplora::cli {

std::string layer_error_table(const Approximation& approximation);

}  // namespace ziplora::cli
