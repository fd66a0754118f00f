#pragma once
/// Adds adapters to the weights of a base on disk: W' = W + Σ_k strength_k · ΔW_k, biases and norms too.
/// Works file by file, tensor by tensor, a few rows at a time, so that memory holds only the factors and one
/// block of rows, however large the base is. Tensors that no adapter changes are copied byte for byte, in the
/// same order, under the same names.
///
///     Baker baker(base, {{&cat, 0.8}}, std::nullopt);
///     baker.write(base.files()[0], "baked.safetensors", metadata, stage, cancel);
///
/// The sum is computed in float32 and rounded once, to the tensor's dtype.

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
  double strength = 1.0;
};

class Baker {
 public:
  /// @param dtype  of UNet and text encoders in the output; absent: each tensor keeps its own. The
  ///               autoencoder always keeps its own: SDXL's does not work in half precision.
  /// @throws Error(kIncompatible) naming layers that the base lacks, or has in another shape; Error(kInput)
  ///         if a weight to change is in a dtype too coarse for it
  Baker(const BaseFiles& base, std::vector<ScaledAdapter> adapters, std::optional<at::ScalarType> dtype);

  /// @param stage  gets one step per tensor
  /// @throws Error(kNonFinite) if a sum does not fit the tensor's dtype; as SafetensorsWriter
  void write(const BaseFile& file, const std::filesystem::path& output, const StringMap& metadata,
             Stage& stage, const CancelToken& cancel) const;

  /// How many weights, biases and norms the adapters change.
  size_t changed_tensors() const { return updates_.size(); }

 private:
  /// up [rows, R] @ down [R, columns] in float32, strengths folded in.
  struct Update {
    at::Tensor up, down;
  };
  /// An update, and where it begins among the rows of a file's tensor.
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
