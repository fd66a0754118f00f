// Feeds keys, dtypes and shapes (lora_lines.h) to one dialect's parser, then to the whole reader. Layers that
// are read without a defect must fit the architecture.
#include <ATen/ops/ones.h>

#include <fstream>

#include "fuzz_target.h"
#include "lora_lines.h"
#include "memory_file.h"
#include "tiny_targets.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

void check_parser(const KeyDialect& dialect, const std::string& key) {
  const auto parsed = dialect.parse(key, tiny_targets());
  if (!parsed) return;
  require(!parsed->part.empty() && !parsed->dialect.empty(), "a key is taken without its part or dialect");
  if (parsed->target != nullptr)
    require(tiny_targets().find(parsed->target->canonical) == parsed->target, "a target that is not there");
}

void check_layer(const std::string& canonical, const LoraLayer& layer) {
  const TargetName* target = tiny_targets().find(canonical);
  require(target != nullptr, "a layer that the architecture lacks");
  require(layer.rank() > 0 && layer.up.size(1) == layer.rank(), "factors whose ranks differ");
  require(layer.up.size(0) == target->weight_shape[0] &&
              layer.down.sizes().slice(1) == at::IntArrayRef(target->weight_shape).slice(1),
          "factors that do not fit their layer");
}

void check_base_bound(const std::string& canonical, const BaseBoundLayer& layer) {
  const TargetName* target = tiny_targets().find(canonical);
  require(target != nullptr, "a layer that the architecture lacks");
  const at::Tensor weight = at::ones(target->weight_shape);
  const at::Tensor delta = layer.delta(weight);
  require(delta.sizes() == weight.flatten(1).sizes(), "a ΔW of another size than its weight");
}

void survey(const std::filesystem::path& path) {
  try {
    const AdapterSurvey found = survey_adapter(path, tiny_targets());
    for (const auto& [canonical, layer] : found.adapter.layers) check_layer(canonical, layer);
    for (const auto& [canonical, layer] : found.base_bound) check_base_bound(canonical, layer);
    for (const Defect& defect : found.defects) {
      require(defect.error == ErrorKind::kInput || defect.error == ErrorKind::kIncompatible,
              "a defect of the wrong kind");
      require(!defect.problem.empty() && !defect.hint.empty(), "a defect without words");
    }
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInput || error.kind() == ErrorKind::kIncompatible,
            "an error of the wrong kind");
  }
}

void fuzz_dialect(const KeyDialect& dialect, std::string_view bytes) {
  const LoraLines lines = parse_lora_lines(bytes);
  for (const std::string& key : lines.keys) check_parser(dialect, key);
  const MemoryFile file(lines.file);
  survey(file.path());
}

}  // namespace

void fuzz_keys_kohya(std::string_view bytes) { fuzz_dialect(kKohyaDialect, bytes); }
void fuzz_keys_comfy(std::string_view bytes) { fuzz_dialect(kComfyDialect, bytes); }
void fuzz_keys_sgm(std::string_view bytes) { fuzz_dialect(kSgmDialect, bytes); }
void fuzz_keys_omi(std::string_view bytes) { fuzz_dialect(kOmiDialect, bytes); }
void fuzz_keys_diffusers(std::string_view bytes) { fuzz_dialect(kDiffusersDialect, bytes); }

/// PEFT's names do not contain the component: the folder names it, and a config lies beside the file.
void fuzz_keys_peft(std::string_view bytes) {
  static const TemporaryFolder folder;
  const LoraLines lines = parse_lora_lines(bytes);
  for (const std::string& key : lines.keys) check_parser(kPeftDialect, key);
  // Not with AtomicFile, which waits for the disk.
  std::ofstream(folder / "adapter_model.safetensors", std::ios::binary) << lines.file;
  std::ofstream(folder / "adapter_config.json") << R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8})";
  survey(folder.path());
}

}  // namespace ziplora
