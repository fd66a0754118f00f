#pragma once
/// Images from prompts: every prompt × adapter set × seed is one row, and rows with different adapters
/// share forward passes. Writes the images, each with the settings that made it, and on request one
/// labelled grid.
///
///     GenerateResult made = run_generate({.prompts = {"a dog"}, .output = "dog.png"}, progress, cancel);

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter_choice.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {

struct AdapterSet {
  std::vector<AdapterChoice> adapters{};  ///< attached together; empty: the base alone
  std::string label{};                    ///< heading of its column in a grid; empty: the names of its files
};

/// A grid's column of images that are already there, such as the true drawings to compare with.
struct ImageColumn {
  std::string label;
  std::vector<std::filesystem::path>
      images;  ///< one per row of the grid or one per prompt; empty path: blank cell
};

struct GenerateRequest {
  std::vector<std::string> prompts;
  /// The columns of a grid; one set unless a grid is asked for.
  std::vector<AdapterSet> adapter_sets = std::vector<AdapterSet>(1);
  std::vector<ImageColumn> image_columns{};  ///< right of them, in a grid only
  double style_strength =
      1.0;  ///< the paper's w_s: weighs the style side of merged files that know their split
  std::optional<std::string> negative_prompt;
  uint64_t seed = 0;   ///< of the first image of a prompt; the next ones count up
  int64_t images = 1;  ///< per prompt and adapter set
  SamplingOptions sampling;
  std::optional<std::filesystem::path> base;
  DevicePolicy policy;
  std::optional<std::filesystem::path> initial_noise;  ///< safetensors, tensor `latents`, one row per image
  std::optional<int64_t> initial_noise_row;            ///< only this row of it
  std::optional<std::filesystem::path> save_latents;
  StringMap expected_sha256{};   ///< by adapter as given: another file is warned of
  bool grid = false;             ///< one labelled sheet at `output` in place of single images
  std::filesystem::path output;  ///< with several images "out.png" becomes out-1.png, out-2.png …
};

struct GenerateResult {
  struct Image {
    std::filesystem::path file;  ///< empty in a grid
    std::string prompt;
    uint64_t seed;
    size_t adapter_set;
  };
  std::vector<std::filesystem::path> files;  ///< everything written
  std::vector<std::string> columns;          ///< headings of a grid; else empty
  std::vector<Image> images;
  std::filesystem::path base;
  double seconds;  ///< of denoising and decoding, without loading
};

/// Where image `index` of `count` is written if there is no grid: "out.png", or "out-1.png" and so on.
std::filesystem::path image_file(const std::filesystem::path& output, size_t index, size_t count);

/// @throws Error as loading, sampling and writing do
GenerateResult run_generate(const GenerateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel);

}  // namespace ziplora
