#pragma once
/// A base that wears the adapters of a generate request, by its strategy: what draws the request's images.
///
///     const DressedBase dressed(*base, request, progress);
///     row.adapter_weights = dressed.adapters().weights(set_index);
///     GeneratedImages made = dressed.artist().run(rows, sampling, progress, cancel);
///     // the end of the scope takes the adapters off

#include <memory>

#include "ziplora/app/generate_adapters.h"
#include "ziplora/lora/attach.h"
#include "ziplora/pipeline/text_to_image.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {

class DressedBase {
 public:
  /// @param base  outlives this
  /// @throws Error as RequestAdapters, AttachedAdapters and make_strategy
  DressedBase(Sdxl& base, const GenerateRequest& request, ProgressSink& progress);

  const RequestAdapters& adapters() const { return adapters_; }
  TextToImage artist() const { return TextToImage(base_, attached_.get(), strategy_.get()); }

 private:
  Sdxl& base_;
  RequestAdapters adapters_;
  std::unique_ptr<AttachedAdapters> attached_;  ///< absent without adapters
  std::unique_ptr<Strategy> strategy_;
};

}  // namespace ziplora
