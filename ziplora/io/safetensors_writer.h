#pragma once
/// Writes a safetensors file tensor by tensor, for files larger than memory: first the header, which takes only
/// names, dtypes and shapes, then the data in that order, in pieces of any size.
///
///     SafetensorsWriter writer("out.safetensors", {{"w", "F16", {4, 2}}, {"b", "F32", {4}}}, metadata);
///     writer.append(rows_of_w);   // any number of calls, in the order of the list
///     writer.append(b);
///     writer.commit();            // without this no file appears
///
/// `write_safetensors` (safetensors.h) is for tensors that are in memory, and chooses the order itself.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/base/atomic_file.h"
#include "ziplora/io/safetensors.h"

namespace ziplora {

struct PlannedTensor {
  std::string name;
  std::string dtype;  ///< as in headers: "F16"
  std::vector<int64_t> shape;
  uint64_t size_bytes() const;  ///< @throws Error(kInternal) if the dtype is unknown
};

class SafetensorsWriter {
 public:
  /// @throws Error(kExhausted) if the disk has no space for the whole file, before anything is computed;
  ///         Error(kFailed) as AtomicFile; Error(kInput) as build_safetensors_header
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<PlannedTensor>& tensors,
                    const StringMap& metadata);

  /// The next bytes of the data section.
  void append(const void* bytes, size_t size_bytes);
  /// The next values: a tensor or a part of it, in row-major order.
  /// @throws Error(kInternal) if the tensor that is due has another dtype, or fewer values are left of it
  void append(const at::Tensor& values);

  /// @throws Error(kInternal) if data is missing
  void commit();

 private:
  struct End {
    std::string name, dtype;
    uint64_t offset;  ///< where the tensor's data ends
  };
  void skip_finished();
  std::string where_;
  std::vector<End> ends_;
  size_t due_ = 0;  ///< index of the tensor that the next byte belongs to
  uint64_t written_ = 0;
  AtomicFile file_;
};

}  // namespace ziplora
