#include "ziplora/lora/adapter_digest.h"

#include <vector>

#include "ziplora/io/sha256.h"
#include "ziplora/lora/adapter_pieces.h"

namespace ziplora {

std::string sha256_of_adapter(const std::filesystem::path& path, const std::stop_token& stop) {
  const std::vector<AdapterFiles> files = find_adapter_files(path);
  if (files.size() == 1 && files.front().weights == path && files.front().config.empty())
    return sha256_of_file(path, stop);
  // Only what the adapter is read from, not what else lies there, such as a trainer's checkpoints.
  const std::filesystem::path root = std::filesystem::is_directory(path) ? path : path.parent_path();
  std::string lines;
  for (const AdapterFiles& piece : files)
    for (const std::filesystem::path& file : {piece.config, piece.weights})
      if (!file.empty())
        lines += sha256_of_file(file, stop) + "  " + file.lexically_relative(root).string() + "\n";
  return sha256_of_bytes(lines);
}

AdapterDigests::AdapterDigests(std::vector<std::filesystem::path> paths)
    : digests_(std::async(std::launch::async, [paths = std::move(paths), stop = stop_.get_token()] {
        std::vector<std::string> digests;
        for (const std::filesystem::path& path : paths) digests.push_back(sha256_of_adapter(path, stop));
        return digests;
      })) {}

AdapterDigests::~AdapterDigests() { stop_.request_stop(); }

}  // namespace ziplora
