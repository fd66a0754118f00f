#pragma once
/// Where a comparison keeps what it makes: merged files and images, each under the digest of everything that it depends
/// on. So nothing is made twice, an interrupted comparison goes on, and several processes can share the work.
///
///     const EvidenceFolder folder("out/evaluation");
///     const EvidenceKey key = EvidenceFolder::key_of({{"method", "ssr"}, …});
///     if (!folder.has_merge(key)) … write folder.merge(key), then folder.note_merge(key, facts) …

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ziplora {

/// 32 hexadecimal digits.
using EvidenceKey = std::string;

class EvidenceFolder {
 public:
  /// Makes the folder if it is not there.
  /// @throws Error(kUsage) if the path is a file
  explicit EvidenceFolder(std::filesystem::path path);

  /// Of settings and of the program's version.
  static EvidenceKey key_of(const nlohmann::json& settings);

  std::filesystem::path merge(const EvidenceKey& key) const;
  /// What `merge` leaves beside the file when it is interrupted.
  std::filesystem::path merge_state(const EvidenceKey& key) const;
  /// Whoever makes the merge holds it (base/lock_file.h): the state of one that learns is not for two.
  std::filesystem::path merge_lock(const EvidenceKey& key) const;
  std::filesystem::path image(const EvidenceKey& key) const;

  /// What lies there whole, in order.
  std::vector<EvidenceKey> merges() const;
  std::vector<EvidenceKey> images() const;

  /// A merge counts once its facts are noted: then its file is whole.
  bool has_merge(const EvidenceKey& key) const;
  void note_merge(const EvidenceKey& key, const nlohmann::json& facts) const;
  nlohmann::json merge_facts(const EvidenceKey& key) const;
  std::filesystem::path merge_note(const EvidenceKey& key) const;

 private:
  std::filesystem::path path_;
};

/// The digest of a base's weights and configs: of every .safetensors and .json file, by name.
std::string sha256_of_base(const std::filesystem::path& base);

}  // namespace ziplora
