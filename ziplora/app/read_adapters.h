#pragma once
/// Reads the files of a use case that takes several, and passes on what reading them has to say.
///
///     const std::vector<Adapter> adapters = read_adapters(files, architecture, ignore_unused(false), progress);

#include <filesystem>
#include <vector>

#include "ziplora/app/architecture.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_file.h"

namespace ziplora {

/// @return in the order of the files, each with its source
/// @throws as read_adapter
std::vector<Adapter> read_adapters(const std::vector<std::filesystem::path>& files,
                                   const Architecture& architecture, const UnusedKeys& unused,
                                   ProgressSink& progress);

}  // namespace ziplora
