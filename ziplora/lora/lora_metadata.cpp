#include "ziplora/lora/lora_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ziplora/io/sha256.h"
#include "ziplora/io/utf8_text.h"

namespace ziplora {
namespace {

/// The hash of bytes 0x100000 to 0x110000 of the file that these tensors and this metadata would make, 8
/// hexadecimal digits; empty if the file is shorter.
std::string legacy_hash(const NamedTensors& tensors, const StringMap& metadata) {
  constexpr uint64_t kBegin = 0x100000, kEnd = 0x110000;
  Sha256 legacy;
  uint64_t offset = 0;
  const auto take = [&](const void* bytes, size_t size) {
    const char* begin = static_cast<const char*>(bytes);
    const uint64_t from = std::max(offset, kBegin), to = std::min(offset + size, kEnd);
    if (from < to) legacy.update(begin + (from - offset), to - from);
    offset += size;
  };
  const SafetensorsEncoding encoding(tensors);
  const std::string header = encoding.header(metadata);
  take(header.data(), header.size());
  encoding.data(take);
  return offset >= kEnd ? legacy.hex().substr(0, 8) : "";
}

/// Keeps what the inputs say about their base if the shapes agree. stable-diffusion-webui hides files with
/// metadata unless this starts with "sdxl_".
std::string base_model_version(const StringMap& carried, const TargetNames& names) {
  if (!names.has_sdxl_sizes()) return "sdxl_custom";
  const auto found = carried.find("ss_base_model_version");
  const bool usable =
      found != carried.end() && found->second.starts_with("sdxl_") && found->second != "sdxl_custom";
  return usable ? found->second : "sdxl_base_v1-0";
}

std::string number(double value) { return fmt::format("{}", value); }

}  // namespace

StringMap lora_metadata(const Adapter& adapter, const NamedTensors& tensors, const TargetNames& names,
                        const std::string& title, const std::string& data_sha256) {
  StringMap metadata = utf8_text(adapter.metadata);
  for (const char* stale : {"lora_adapter_metadata", "sshs_model_hash", "sshs_legacy_hash"})
    metadata.erase(stale);
  metadata["ss_base_model_version"] = base_model_version(metadata, names);
  metadata["format"] = "pt";
  metadata["modelspec.sai_model_spec"] = "1.0.0";
  metadata["modelspec.architecture"] =
      names.has_sdxl_sizes() ? "stable-diffusion-xl-v1-base/lora" : "stable-diffusion-xl-custom/lora";
  metadata["modelspec.implementation"] = "https://github.com/Stability-AI/generative-models";
  metadata.emplace("modelspec.title", utf8_text(title));
  if (names.has_sdxl_sizes())  // of another base, how many pixels a latent covers is unknown here
    metadata.emplace("modelspec.resolution", fmt::format("{0}x{0}", names.unet.sample_size * 8));
  metadata["modelspec.hash_sha256"] = "0x" + data_sha256;
  std::set<int64_t> ranks;
  std::set<double> alphas;
  for (const auto& [canonical, layer] : adapter.layers) {
    ranks.insert(layer.rank());
    alphas.insert(*layer.lora_alpha);
  }
  metadata["ss_v2"] = "False";
  metadata["ss_network_module"] = "networks.lora";
  metadata["ss_network_dim"] = ranks.size() == 1 ? std::to_string(*ranks.begin()) : "Dynamic";
  metadata["ss_network_alpha"] = alphas.size() == 1 ? number(*alphas.begin()) : "Dynamic";
  metadata["ss_network_args"] = "{}";
  metadata.emplace("ss_output_name", utf8_text(title));
  StringMap hashed;
  for (const auto& [key, value] : metadata)
    if (key.starts_with("ss_")) hashed[key] = value;
  metadata["sshs_model_hash"] = data_sha256;
  const std::string legacy = legacy_hash(tensors, hashed);
  if (!legacy.empty()) metadata["sshs_legacy_hash"] = legacy;
  return metadata;
}

}  // namespace ziplora
