#pragma once
/// Safetensors files: strict, memory-mapped reading and atomic, deterministic writing.
///
///     SafetensorsFile file("cat.safetensors");
///     at::Tensor down = file.tensor("…lora_down.weight");   // a view of the map, no copy
///
/// Makes every check of the reference reader (huggingface/safetensors, safetensors/src/tensor.rs), and also
/// refuses duplicate tensor names, which the reference accepts. Knows nothing of LoRA or models.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ziplora {

struct SafetensorsDtype;

using NamedTensors = std::map<std::string, at::Tensor>;
using StringMap = std::map<std::string, std::string>;

struct TensorInfo {
  std::string dtype;           ///< as in the header: "F16", "BF16", "F8_E4M3", …
  std::vector<int64_t> shape;  ///< [] for a scalar
  uint64_t begin, end;         ///< bytes from the start of the data section, end exclusive
};

class SafetensorsFile {
 public:
  /// @throws Error(kInput) that says what was found and what was expected
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const StringMap& metadata() const { return metadata_; }
  /// @return empty if there is no such entry
  std::string metadata_text(const std::string& key) const {
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? "" : found->second;
  }
  bool contains(const std::string& name) const { return tensors_.count(name) != 0; }

  /// @throws Error(kInput) if there is no such tensor
  const TensorInfo& info(const std::string& name) const;

  /// A view of the map if the tensor's start is aligned for its dtype, otherwise a copy. It keeps the map alive.
  /// Writing to it changes private copies of the pages, never the file.
  /// @throws Error(kInput) if there is no such tensor, or its dtype has no torch equivalent
  at::Tensor tensor(const std::string& name) const;

  /// Lets the tensor's pages leave memory once the caller has copied or converted it, so that loading peaks
  /// near the size of its result. Views stay valid (pages are read again), but what was written to them is
  /// lost.
  void release_pages(const std::string& name) const;

  uint64_t file_size_bytes() const;
  /// The data section (everything after the header), for hashes.
  const unsigned char* data() const;
  uint64_t data_size_bytes() const;

 private:
  struct Map;
  std::filesystem::path path_;
  std::shared_ptr<Map> map_;
  std::map<std::string, TensorInfo> tensors_;
  StringMap metadata_;
};

/// The bytes of the file that these tensors make, so that what is hashed is what is written. Layout: compact
/// JSON with `__metadata__` first, padded with spaces to a multiple of 8; data by dtype, largest first, then by
/// name.
class SafetensorsEncoding {
 public:
  /// @param tensors  must outlive this
  /// @throws Error(kInternal) for a tensor that the format cannot hold
  explicit SafetensorsEncoding(const NamedTensors& tensors, std::string where = "encode safetensors");
  explicit SafetensorsEncoding(NamedTensors&&, std::string = {}) = delete;

  /// Includes the length in front. @throws Error(kInput) as build_safetensors_header
  std::string header(const StringMap& metadata) const;
  /// Calls `sink` for each tensor in turn.
  void data(const std::function<void(const void* bytes, size_t size_bytes)>& sink) const;

 private:
  struct Item {
    const std::string* name;
    const at::Tensor* tensor;
    const SafetensorsDtype* dtype;
  };
  std::vector<Item> items_;
  std::string where_;
};

/// Equal tensors and metadata give equal bytes. Writes under a temporary name, then renames.
/// @throws Error(kExhausted) if the disk is full, Error(kFailed) if the folder is missing or read-only
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const StringMap& metadata = {});

}  // namespace ziplora
