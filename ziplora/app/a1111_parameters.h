#pragma once
/// The text `parameters` of A1111's PNG files, which Forge, SD.Next and many others write, too, as options of `generate`:
/// stable-diffusion-webui, modules/infotext_utils.py, parse_generation_parameters. What ziplora has no option for is left out.
///
///     settings_of_parameters("a cat <lora:ink:0.8>\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768");
///     // {"prompt": ["a cat"], "adapter": ["ink.safetensors:0.8"], "steps": 20, "scheduler": "euler-ancestral", …}

#include <nlohmann/json.hpp>
#include <string>

namespace ziplora {

/// A LoRA is named there without its folder: "<lora:ink:0.8>" becomes the file ink.safetensors.
/// @return null if the text has no line of settings
nlohmann::json settings_of_parameters(const std::string& text);

}  // namespace ziplora
