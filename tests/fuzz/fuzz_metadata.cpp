// Feeds text to everything that parses metadata and configs: PEFT's adapter_config.json, diffusers'
// lora_adapter_metadata, kohya's tag frequencies, our own recipe, and the report that `inspect` makes of
// them.
#include <ATen/ops/ones.h>

#include <nlohmann/json.hpp>

#include "fuzz_target.h"
#include "memory_file.h"
#include "tiny_targets.h"
#include "ziplora/analyze/adapter_report.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/peft_config.h"

namespace ziplora {
namespace {

constexpr const char* kModule = "mid_block.attentions.0.proj_in";

/// A sound LoRA of one layer with the text in each of these places.
std::string lora_with(const std::string& text) {
  const NamedTensors tensors{{"unet.mid_block.attentions.0.proj_in.lora_A.weight", at::ones({2, 24})},
                             {"unet.mid_block.attentions.0.proj_in.lora_B.weight", at::ones({24, 2})}};
  const SafetensorsEncoding encoding(tensors);
  std::string file = encoding.header({{"lora_adapter_metadata", text},
                                      {"ss_tag_frequency", text},
                                      {"ss_network_args", text},
                                      {"modelspec.trigger_phrase", text},
                                      {"ziplora.recipe", text},
                                      {"ziplora.prompt", text}});
  encoding.data([&](const void* bytes, size_t size) { file.append(static_cast<const char*>(bytes), size); });
  return file;
}

template <typename Read>
void refused_at_most(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInput || error.kind() == ErrorKind::kIncompatible,
            "an error of the wrong kind");
  }
}

}  // namespace

void fuzz_metadata(std::string_view bytes) {
  refused_at_most([&] {
    const MemoryFile config(bytes);
    PeftConfig(read_json_file(config.path()), "fuzz").lora_alpha(kModule, 2);
  });
  refused_at_most([&] {
    const MemoryFile file(lora_with(std::string(bytes)));
    to_json(report_adapter(survey_adapter(file.path(), tiny_targets()), tiny_targets())).dump();
  });
}

}  // namespace ziplora
