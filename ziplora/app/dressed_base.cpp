#include "ziplora/app/dressed_base.h"

#include "ziplora/lora/target_names.h"

namespace ziplora {

DressedBase::DressedBase(Sdxl& base, const GenerateRequest& request, ProgressSink& progress)
    : base_(base),
      adapters_(request, {base.unet.config, base.text_encoder.config, base.text_encoder_2.config}, progress) {
  if (!adapters_.empty())
    attached_ = std::make_unique<AttachedAdapters>(base.components(), adapters_.pointers());
  strategy_ = make_strategy(request.strategy, request.strategy_options, adapters_.strategy_inputs());
}

}  // namespace ziplora
