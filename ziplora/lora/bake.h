#pragma once
/// Adds adapters to the weights of a base on disk: W' = W + Σ_k scale_k · ΔW_k (biases and norms too), file
/// by file, tensor by tensor, a few rows at a time. Memory holds the factors and one block of rows, whatever
/// the size of the checkpoint; what no adapter changes is copied byte for byte, in the same order under the
/// same names.
///
///     Baker baker(base, {{&cat, 0.8}}, std::nullopt);
///     baker.write(base.files()[0], "baked.safetensors", metadata, stage, cancel);
///
/// The sum is made in float32 and rounded once to the tensor's dtype.

#include <c10/core/ScalarType.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors_writer.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/models/base_files.h"

namespace ziplora {

struct ScaledAdapter {
  const Adapter* adapter;
  double scale = 1.0;
};

class Baker {
 public:
  /// @param dtype  of UNet and text encoders in the output; absent: each tensor keeps its own. The
  /// autoencoder
  ///               keeps its own always: SDXL's does not work in half precision.
  /// @throws Error(kIncompatible) naming layers that the base lacks, or whose shape is another there;
  ///         Error(kInput) if a weight to change is in a dtype that cannot be added to
  Baker(const BaseFiles& base, std::vector<ScaledAdapter> adapters, std::optional<at::ScalarType> dtype);

  /// @param stage  gets a step a tensor
  /// @throws Error(kNonFinite) if a sum does not fit the tensor's dtype; as SafetensorsWriter
  void write(const BaseFile& file, const std::filesystem::path& output, const StringMap& metadata,
             Stage& stage, const CancelToken& cancel) const;

  /// Weights, biases and norms that an adapter adds to.
  size_t changed_tensors() const { return updates_.size(); }

 private:
  /// up [rows, R] @ down [R, columns] in float32, scales folded in.
  struct Update {
    at::Tensor up, down;
  };
  /// An update's place among the rows of a file's tensor.
  struct RowUpdate {
    int64_t first_row;
    at::Tensor up, down;
  };
  std::vector<RowUpdate> updates_of(const BaseFile& file, const std::string& tensor) const;
  std::string output_dtype(const BaseFile& file, const std::string& tensor) const;
  void append_sum(const BaseFile& file, const std::string& tensor, const std::vector<RowUpdate>& updates,
                  SafetensorsWriter& writer, const CancelToken& cancel) const;

  const BaseFiles& base_;
  std::optional<at::ScalarType> dtype_;
  std::map<std::string, Update> updates_;  ///< by the weight's name in the models
};

}  // namespace ziplora
