#pragma once
/// Keys of a LoRA file that have no place in an SDXL adapter, and what that means: that the file is for another
/// architecture, that it spells SDXL's layers in a way that is not known here, that it changes what no adapter
/// here can change (embeddings), or nothing, because SDXL does not use it or the change is zero.
///
///     PlacelessKeys placeless;
///     placeless.add_layer(key, tensor);
///     auto [defects, notes] = placeless.report(survey.tensors, any_layer_is_known, is_of_sdxl);

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ziplora/lora/adapter_survey.h"

namespace ziplora {

class PlacelessKeys {
 public:
  /// A key that is spelled as a LoRA's, of a layer that the architecture lacks.
  void add_layer(const std::string& key, const at::Tensor& tensor);
  /// A key that is not spelled as a LoRA's.
  void add_stray(const std::string& key) { strays_.push_back(key); }

  bool has_layers() const { return !layers_.empty(); }
  const std::vector<std::string>& strays() const { return strays_; }

  struct Report {
    std::vector<Defect> defects;
    std::vector<std::string> notes;  ///< what is left out because it has no effect
  };
  /// @param tensors     of the whole file
  /// @param any_known   the file has layers that the architecture has; without them nothing is harmless
  /// @param is_of_sdxl  whether SDXL base 1.0 has the key's layer, where the architecture is a relative's
  Report report(const std::map<std::string, TensorInfo>& tensors, bool any_known,
                const std::function<bool(const std::string& key)>& is_of_sdxl) const;

 private:
  struct Layer {
    std::vector<std::string> keys;
    /// By the part's name. Mapped, so that nothing of them is read before it is asked for.
    std::vector<std::pair<std::string, at::Tensor>> parts;
    bool changes_nothing() const;
  };
  std::map<std::string, Layer> layers_;  ///< by the module's name in the file
  std::vector<std::string> strays_;
};

}  // namespace ziplora
