#include "ziplora/lora/adapter_digest.h"

#include <algorithm>
#include <vector>

#include "ziplora/io/sha256.h"

namespace ziplora {

std::string sha256_of_adapter(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return sha256_of_file(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "adapter_config.json")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string digests;
  for (const fs::path& file : files) digests += sha256_of_file(file);
  return sha256_of_bytes(digests);
}

}  // namespace ziplora
