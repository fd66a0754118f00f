#include "ziplora/lora/adapter_digest.h"

#include <algorithm>
#include <vector>

#include "ziplora/io/sha256.h"

namespace ziplora {

std::string sha256_of_adapter(const std::filesystem::path& path, const std::stop_token& stop) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return sha256_of_file(path, stop);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "adapter_config.json")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string digests;
  for (const fs::path& file : files) digests += sha256_of_file(file, stop);
  return sha256_of_bytes(digests);
}

AdapterDigests::AdapterDigests(std::vector<std::filesystem::path> paths)
    : digests_(std::async(std::launch::async, [paths = std::move(paths), stop = stop_.get_token()] {
        std::vector<std::string> digests;
        for (const std::filesystem::path& path : paths) digests.push_back(sha256_of_adapter(path, stop));
        return digests;
      })) {}

AdapterDigests::~AdapterDigests() { stop_.request_stop(); }

}  // namespace ziplora
