#include "ziplora/lora/write_universal.h"

#include <ATen/ops/full.h>

#include "ziplora/io/hashed_safetensors.h"
#include "ziplora/lora/lora_metadata.h"
#include "ziplora/lora/universal_form.h"
#include "ziplora/lora/vector_deltas.h"

namespace ziplora {

void write_universal(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                     at::ScalarType dtype, const UniversalSpelling& spelling) {
  const Adapter uniform = universal_form(adapter, names);
  NamedTensors tensors;
  for (const auto& [canonical, layer] : uniform.layers) {
    const std::string module = spelling.module(*names.find(canonical));
    tensors[module + spelling.down] = to_storage(layer.down, dtype, canonical);
    tensors[module + spelling.up] = to_storage(layer.up, dtype, canonical);
    tensors[module + ".alpha"] = at::full({}, *layer.lora_alpha, at::kFloat);
  }
  for (const auto& [parameter, delta] : adapter.vector_deltas) {
    const auto [target, suffix] = vector_suffix_of(parameter, names);
    tensors[spelling.module(*target) + suffix] = to_storage(delta, dtype, parameter);
  }
  write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
    return lora_metadata(uniform, tensors, names, path.stem().string(), sha256);
  });
}

}  // namespace ziplora
