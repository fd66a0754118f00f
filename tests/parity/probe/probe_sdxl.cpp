// probe_sdxl: loads the base at arguments.path in arguments.dtype and gives what each of its models makes of
// the inputs: prompt embeddings of arguments.prompts, noise_pred of inputs.sample, decoded and encoded
// images. With arguments.load_only it stops after loading. Values: memory before and at the peak of
// loading, in bytes.
#include <c10/core/InferenceMode.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::probe {

Response run_sdxl(const Request& request) {
  const std::string dtype = request.arguments.value("dtype", "float32");
  DevicePolicy policy;
  policy.dtype = dtype == "float16" ? at::kHalf : dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;
  Response response;
  response.values["before_bytes"] = peak_memory_bytes();
  NullProgress progress;
  const std::unique_ptr<Sdxl> base =
      load_sdxl(request.arguments.at("path").get<std::string>(), policy, progress);
  response.values["peak_bytes"] = peak_memory_bytes();
  response.values["scheduler_config"] = base->scheduler_config;
  response.values["default_image_size"] = base->default_image_size();
  if (request.arguments.value("load_only", false)) return response;

  const c10::InferenceMode no_gradients;
  const PromptEmbeddings cond = base->encode_prompt(request.arguments.at("prompts"), progress);
  const at::Tensor noise_pred =
      base->unet.forward(request.inputs.at("sample").to(policy.dtype), request.inputs.at("timestep"),
                         {cond.prompt_embeds, cond.pooled_prompt_embeds, request.inputs.at("time_ids")});
  response.outputs = {{"prompt_embeds", cond.prompt_embeds},
                      {"pooled_prompt_embeds", cond.pooled_prompt_embeds},
                      {"noise_pred", noise_pred},
                      {"decoded", base->vae.decode(request.inputs.at("sample"))},
                      {"encoded", base->vae.encode(request.inputs.at("image")).mean}};
  for (auto& [name, value] : response.outputs) value = value.to(at::kFloat).contiguous();
  return response;
}

}  // namespace ziplora::probe
