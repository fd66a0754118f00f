#include "ziplora/lora/wrapped_names.h"

#include <algorithm>
#include <string_view>

namespace ziplora {
namespace {

constexpr std::string_view kCompiled = "_orig_mod", kParallel = "module";

bool begins_with_twice(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) && text.substr(prefix.size()).starts_with(prefix);
}

/// Segments between dots may come anywhere: blocks are compiled one by one, too.
std::string unwrapped_path(const std::string& key) {
  std::string path;
  for (size_t begin = 0; begin <= key.size();) {
    const size_t dot = std::min(key.find('.', begin), key.size());
    const std::string_view segment = std::string_view(key).substr(begin, dot - begin);
    const bool last = dot == key.size();
    if (last || (segment != kCompiled && segment != kParallel)) {
      path += segment;
      if (!last) path += '.';
    }
    begin = dot + 1;
  }
  for (const std::string_view component : {"unet.", "text_encoder.", "text_encoder_2."})
    while (begins_with_twice(path, component)) path.erase(0, component.size());
  if (path.starts_with("model.diffusion_model.")) path.erase(0, std::string_view("model.").size());
  return path;
}

/// In flattened names "_" separates and belongs to names, so only torch.compile's odd word is safe anywhere.
std::string unwrapped_flattened(std::string key) {
  const std::string compiled = std::string(kCompiled) + "_";
  for (size_t at; (at = key.find(compiled)) != std::string::npos;) key.erase(at, compiled.size());
  for (const std::string_view component : {"lora_unet_", "lora_te1_", "lora_te2_", "lycoris_"}) {
    if (!key.starts_with(component)) continue;
    for (const std::string_view wrapper : {"module_", "model_diffusion_model_", "diffusion_model_", "unet_"})
      if (std::string_view(key).substr(component.size()).starts_with(wrapper))
        key.erase(component.size(), wrapper.size());
  }
  return key;
}

}  // namespace

std::string without_wrappers(const std::string& key) {
  return key.starts_with("lora_") || key.starts_with("lycoris_") ? unwrapped_flattened(key)
                                                                 : unwrapped_path(key);
}

}  // namespace ziplora
