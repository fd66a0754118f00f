#pragma once
/// The report of `ziplora inspect` for people: at most 100 columns wide, apart from the file's own path.
///
///     const std::string text = inspect_table(result.files[0]);

#include <string>

#include "ziplora/app/inspect.h"

namespace ziplora::cli {

std::string inspect_table(const InspectedFile& file);

}  // namespace ziplora::cli
