#pragma once
/// The fingerprint by which recipes and merge states identify the adapters that they were made from.
///
///     sha256_of_adapter("cat.safetensors");   // the file's own
///     sha256_of_adapter("cat-peft/");         // of the folder's configs and weights

#include <filesystem>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

namespace ziplora {

/// @return 64 hexadecimal digits: of a single file its own hash; of a folder, and of PEFT's file with the
///         config beside it, the hash of the lines that sha256sum prints for the files that are read
///         (find_adapter_files)
/// @param stop  as for sha256_of_file
/// @throws Error(kInput) if a file is missing or unreadable
std::string sha256_of_adapter(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Hashes several adapters in a thread of its own, because that takes half as long as a file-level merge, and
/// makes sure that the hashes are of the bytes that were read.
///
///     AdapterDigests digests(paths);   // before the adapters are read
///     … read them …
///     digests.start();                 // after that
///     … work …
///     digests.get();
///
/// Destroying the object stops it.
class AdapterDigests {
 public:
  explicit AdapterDigests(std::vector<std::filesystem::path> paths);
  ~AdapterDigests();
  AdapterDigests(const AdapterDigests&) = delete;
  AdapterDigests& operator=(const AdapterDigests&) = delete;
  void start();
  /// Waits for the result; starts the hashing if nothing has. May be called once.
  /// @return in the order of the paths
  /// @throws as sha256_of_adapter; Error(kInput) naming a file that was replaced or rewritten between the
  ///         construction and its hash
  std::vector<std::string> get();

 private:
  struct File;
  std::vector<std::filesystem::path> paths_;
  std::vector<File> files_;  ///< of all adapters, as they were at the construction
  std::stop_source stop_;
  std::future<std::vector<std::string>> digests_;
};

}  // namespace ziplora
