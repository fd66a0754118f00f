// probe_lora_files: reads the LoRA arguments.adapter for the base arguments.base, runs the UNet and both text
// encoders of the base with it (inputs sample, timestep, encoder_hidden_states, text_embeds, time_ids,
// token_ids), and writes it again to each of arguments.writes {path, format, dtype}.
#include <c10/core/InferenceMode.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/app/architecture.h"
#include "ziplora/app/base_targets.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/attach.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::probe {
namespace {

at::ScalarType dtype_named(const std::string& name) {
  return name == "float16" ? at::kHalf : name == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

void add_text_outputs(const ClipTextModel& encoder, const std::string& name, const at::Tensor& token_ids,
                      NamedTensors& outputs) {
  const ClipTextOutput out = encoder.forward(token_ids);
  outputs[name + ".penultimate"] = out.penultimate.contiguous();
  outputs[name + ".last"] = out.last_hidden_state.contiguous();
  outputs[name + ".pooled"] = out.pooled.contiguous();
}

}  // namespace

Response run_lora_files(const Request& request) {
  c10::InferenceMode inference;
  const std::filesystem::path folder = request.arguments.at("base").get<std::string>();
  const TargetNames names = base_targets(folder);
  std::vector<std::string> warnings;
  const Adapter adapter = read_adapter(request.arguments.at("adapter").get<std::string>(), names, warnings,
                                       base_weights(folder, names));

  NullProgress progress;
  const std::unique_ptr<Sdxl> base = load_sdxl(folder, {}, progress);
  const AttachedAdapters attached(base->components(), {&adapter});
  const NamedTensors& in = request.inputs;
  Response response;
  response.outputs["noise_pred"] =
      base->unet
          .forward(in.at("sample"), in.at("timestep"),
                   {in.at("encoder_hidden_states"), in.at("text_embeds"), in.at("time_ids")})
          .contiguous();
  add_text_outputs(base->text_encoder, "text_encoder", in.at("token_ids"), response.outputs);
  add_text_outputs(base->text_encoder_2, "text_encoder_2", in.at("token_ids"), response.outputs);

  for (const nlohmann::json& write : request.arguments.value("writes", nlohmann::json::array()))
    write_adapter(write.at("path").get<std::string>(), adapter, names,
                  {.format = write.at("format"), .dtype = dtype_named(write.at("dtype"))});
  response.values["family"] = adapter.family;
  response.values["layers"] = adapter.layers.size();
  response.values["vectors"] = adapter.vector_deltas.size();
  response.values["warnings"] = warnings;
  return response;
}

}  // namespace ziplora::probe
