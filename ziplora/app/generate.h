#pragma once
/// Pictures from prompts: every prompt × adapter set × seed is one row, and rows with different adapters share forward
/// passes. Writes the pictures, each with the settings that made it, and on request one labelled grid.
///
///     GenerateResult made = run_generate({.prompts = {"a dog"}, .output = "dog.png"}, progress, cancel);

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {

struct AdapterChoice {
  std::filesystem::path file;
  double scale = 1.0;
};
using AdapterSet = std::vector<AdapterChoice>;  ///< attached together; empty: the base alone

struct GenerateRequest {
  std::vector<std::string> prompts;
  std::vector<AdapterSet> adapter_sets{{}};  ///< a grid's columns; one set unless a grid is asked for
  double style_strength = 1.0;  ///< the paper's w_s: weighs the style side of merged files that know their split
  std::optional<std::string> negative_prompt;
  uint64_t seed = 0;   ///< of the first picture of a prompt; the next ones count up
  int64_t images = 1;  ///< per prompt and adapter set
  SamplingOptions sampling;
  std::optional<std::filesystem::path> base;
  DevicePolicy policy;
  std::optional<std::filesystem::path> initial_noise;  ///< safetensors, tensor `latents`
  std::optional<std::filesystem::path> save_latents;
  bool grid = false;             ///< one labelled sheet at `output` in place of single pictures
  std::filesystem::path output;  ///< with several pictures "out.png" becomes out-1.png, out-2.png …
};

struct GenerateResult {
  struct Picture {
    std::filesystem::path file;  ///< empty in a grid
    std::string prompt;
    uint64_t seed;
    size_t adapter_set;
  };
  std::vector<std::filesystem::path> files;  ///< everything written
  std::vector<Picture> pictures;
  std::filesystem::path base;
  double seconds;  ///< of denoising and decoding, without loading
};

/// @throws Error as loading, sampling and writing do
GenerateResult run_generate(const GenerateRequest& request, ProgressSink& progress, const CancelToken& cancel);

/// The settings that a picture made by run_generate carries: option names of `generate` → values.
/// @throws Error(kInput) if it carries none
nlohmann::json read_picture_settings(const std::filesystem::path& picture);

}  // namespace ziplora
