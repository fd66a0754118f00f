#include "ziplora/train/training_batch.h"

#include <ATen/ops/cat.h>

namespace ziplora {

TrainingBatch rows_of_process(const TrainingBatch& batch, const Team& team) {
  if (team.is_alone()) return batch;
  const int64_t instance = batch.instance_rows, others = batch.latents.size(0) - instance;
  const auto own = [&](const at::Tensor& rows) {
    const at::Tensor of_instance = rows.narrow(0, team.first_of(instance), instance / team.size());
    if (others == 0) return of_instance;
    return at::cat({of_instance, rows.narrow(0, instance + team.first_of(others), others / team.size())});
  };
  return {own(batch.latents),
          own(batch.noise),
          own(batch.timesteps),
          own(batch.prompt_embeds),
          own(batch.pooled_prompt_embeds),
          own(batch.time_ids),
          instance / team.size()};
}

}  // namespace ziplora
