#include "ziplora/lora/adapter_digest.h"

#include <sys/stat.h>

#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"
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

/// Which file a name stood for, and when its bytes were changed last.
struct AdapterDigests::File {
  std::filesystem::path path;
  struct stat status {};

  explicit File(std::filesystem::path name) : path(std::move(name)) { ::stat(path.c_str(), &status); }
  bool operator==(const File& other) const {
    const struct stat &a = status, &b = other.status;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && same_content(a, b);
  }
};

AdapterDigests::AdapterDigests(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {
  for (const std::filesystem::path& path : paths_)
    for (const AdapterFiles& piece : find_adapter_files(path))
      for (const std::filesystem::path& file : {piece.config, piece.weights})
        if (!file.empty()) files_.emplace_back(file);
}

AdapterDigests::~AdapterDigests() { stop_.request_stop(); }

void AdapterDigests::start() {
  digests_ = std::async(std::launch::async, [this, stop = stop_.get_token()] {
    std::vector<std::string> digests;
    for (const std::filesystem::path& path : paths_) digests.push_back(sha256_of_adapter(path, stop));
    for (const File& file : files_)
      if (!(File(file.path) == file))
        throw Error(ErrorKind::kInput, "read " + file.path.string(), "the file was changed while it was read",
                    "run the same command again once nothing writes to it");
    return digests;
  });
}

std::vector<std::string> AdapterDigests::get() {
  if (!digests_.valid()) start();
  return digests_.get();
}

}  // namespace ziplora
