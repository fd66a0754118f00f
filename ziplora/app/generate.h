#pragma once
/// Images from prompts. Every prompt × seed × adapter set is one row, and rows with different adapters share
/// forward passes. Writes each image with the settings that made it, or one labelled grid of them all.
///
///     GenerateRequest request{.prompts = {"a dog"}, .output = "dog.png"};
///     GenerateResult made = run_generate(request, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
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
  /// Attached together; empty: the base alone.
  std::vector<AdapterChoice> adapters{};
  /// Heading of its column in a grid; empty: the names of its files.
  std::string label{};
};

/// A grid's column of existing images, such as the true drawings to compare with.
struct ImageColumn {
  std::string label;
  /// One per row of the grid or one per prompt; an empty path leaves the cell blank.
  std::vector<std::filesystem::path> images;
};

struct GenerateRequest {
  std::vector<std::string> prompts{};
  /// The columns of a grid; a single set unless there is a grid.
  std::vector<AdapterSet> adapter_sets = std::vector<AdapterSet>(1);
  /// Right of them, in a grid only.
  std::vector<ImageColumn> image_columns{};
  /// How several adapters take part in each step: a name of strategies().
  std::string strategy = "merged";
  /// By option name; the others have their defaults.
  nlohmann::json strategy_options = nlohmann::json::object();
  /// The paper's w_s: multiplies the style side of merged files that record their sides.
  double style_strength = 1.0;
  std::optional<std::string> negative_prompt{};
  /// Of the first image of a prompt; each further image adds 1.
  uint64_t seed = 0;
  /// Per prompt and adapter set.
  int64_t images = 1;
  SamplingOptions sampling{};
  std::optional<std::filesystem::path> base{};
  DevicePolicy policy{};
  /// A safetensors file with the tensor `latents`, one row per image.
  std::optional<std::filesystem::path> initial_noise{};
  /// Take only this row of it.
  std::optional<int64_t> initial_noise_row{};
  std::optional<std::filesystem::path> save_latents{};
  /// Keys of adapters that have no place in SDXL are left out and named; false: they are refused.
  bool ignore_unused = false;
  /// By adapter file as given; a file with another digest draws a warning.
  StringMap expected_sha256{};
  /// Write one labelled sheet to `output` instead of single images.
  bool grid = false;
  /// With several images "out.png" becomes out-1.png, out-2.png …
  std::filesystem::path output{};
};

struct GenerateResult {
  struct Image {
    std::filesystem::path file;  ///< empty in a grid
    std::string prompt;
    uint64_t seed;
    size_t adapter_set;
  };
  std::vector<std::filesystem::path> files{};  ///< everything written
  std::vector<std::string> columns{};          ///< headings of a grid, else empty
  std::vector<Image> images{};
  std::filesystem::path base{};
  std::string strategy{};
  double seconds = 0;  ///< of denoising and decoding, without loading
  int64_t peak_memory_bytes = 0;
};

/// Where image `index` of `count` is written if there is no grid: "out.png", or "out-1.png" and so on.
std::filesystem::path image_file(const std::filesystem::path& output, size_t index, size_t count);

/// @throws Error as loading, sampling and writing do
GenerateResult run_generate(const GenerateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel);

nlohmann::json to_json(const GenerateResult& result);

}  // namespace ziplora
