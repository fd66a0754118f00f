#include "ziplora/app/read_adapters.h"

namespace ziplora {

std::vector<Adapter> read_adapters(const std::vector<std::filesystem::path>& files,
                                   const Architecture& architecture, const UnusedKeys& unused,
                                   ProgressSink& progress) {
  std::vector<Adapter> adapters;
  const BaseWeights weights = architecture.weights();
  for (const std::filesystem::path& file : files) {
    std::vector<std::string> warnings;
    adapters.push_back(read_adapter(file, *architecture.names, warnings, weights, unused));
    adapters.back().source = file;
    for (const std::string& warning : warnings) progress.warning(file.filename().string() + ": " + warning);
  }
  return adapters;
}

}  // namespace ziplora
