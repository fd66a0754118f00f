#include "ziplora/app/generate.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "ziplora/app/default_base.h"
#include "ziplora/app/dressed_base.h"
#include "ziplora/app/generate_settings.h"
#include "ziplora/app/generate_strategy.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/pipeline/contact_sheet.h"
#include "ziplora/pipeline/label_text.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

std::string heading(const GenerateRequest& request, const AdapterSet& set) {
  if (!set.label.empty()) return set.label;
  std::string text;
  for (const AdapterChoice& choice : set.adapters) {
    text += (text.empty() ? "" : " + ") + choice.file.stem().string();
    if (choice.strength != 1.0) text += fmt::format(" × {:g}", choice.strength);
  }
  if (steers(request, set)) text += ", " + request.strategy;
  return text.empty() ? "base" : text;
}

/// Checked before the work starts.
void check_outputs(const GenerateRequest& request) {
  if (request.output.extension() != ".png")
    throw Error(ErrorKind::kUsage, "generate: -o " + request.output.string(), "the name does not end in .png",
                "images are written as PNG: give -o OUT.png");
  if (std::error_code ignored; fs::is_directory(request.output, ignored))
    throw Error(ErrorKind::kUsage, "generate: -o " + request.output.string(),
                "this is a folder, a file name is expected", "give -o OUT.png");
  const size_t count = request.grid ? 1 : request.prompts.size() * static_cast<size_t>(request.images);
  const AtomicFile trial(image_file(request.output, count - 1, count));  // leaves nothing behind
  if (request.save_latents) const AtomicFile latents_trial(*request.save_latents);
}

constexpr int64_t kMostImages = 100'000;  // each takes memory before the first is drawn

void check_request(const GenerateRequest& request) {
  if (request.prompts.empty())
    throw Error(ErrorKind::kUsage, "generate", "there is no prompt",
                "run 'ziplora generate \"a dog\" -o dog.png'");
  if (request.images < 1)
    throw Error(ErrorKind::kUsage, "generate",
                fmt::format("{} images per prompt, expected at least 1", request.images),
                "for example --images 1");
  if (request.images > kMostImages)
    throw Error(ErrorKind::kUsage, "generate",
                fmt::format("{} images per prompt, expected at most {}", request.images, kMostImages),
                "draw them in several runs, each with a --seed of its own");
  if (!request.image_columns.empty() && !request.grid)
    throw Error(ErrorKind::kUsage, "generate: --image-column", "there is no grid to put the images in",
                "add --grid");
  check_strategy(request);
  check_outputs(request);
  if (request.grid) label_font_file();  // throws if it is missing
  if (!request.sampling.scheduler.empty()) make_scheduler(request.sampling.scheduler, NoiseSchedule({}));
}

at::Tensor read_initial_noise(const fs::path& path, const std::optional<int64_t>& row) {
  const std::string where = "generate: --initial-noise " + path.string();
  const SafetensorsFile file(path);
  if (!file.contains("latents"))
    throw Error(ErrorKind::kInput, where, "the file has no tensor 'latents' [N, C, h, w]",
                "write one with --save-latents, or with safetensors.torch.save_file({'latents': noise}, …)");
  const at::Tensor noise = file.tensor("latents").to(at::kFloat);
  if (!row) return noise;
  if (noise.dim() == 0 || *row < 0 || *row >= noise.size(0))
    throw Error(
        ErrorKind::kUsage, where,
        fmt::format("there is no row {}: the file has {} rows", *row, noise.dim() ? noise.size(0) : 0),
        "rows count from 0; leave out :ROW to take all of them");
  return noise.narrow(0, *row, 1);
}

/// The given columns of a grid, each with one cell per row of the grid; a blank cell is undefined.
std::vector<std::vector<at::Tensor>> read_image_columns(const GenerateRequest& request) {
  const size_t images = static_cast<size_t>(request.images), rows = request.prompts.size() * images;
  std::vector<std::vector<at::Tensor>> columns;
  for (const ImageColumn& column : request.image_columns) {
    const size_t given = column.images.size();
    if (given != rows && given != request.prompts.size())
      throw Error(ErrorKind::kUsage, "generate: --image-column " + column.label,
                  fmt::format("{} images are given, the grid has {} rows", given, rows),
                  "name one file per row; nothing between two commas leaves a cell blank");
    std::vector<at::Tensor> given_images;
    for (const fs::path& file : column.images)
      given_images.push_back(file.empty() ? at::Tensor() : read_image(file));
    columns.emplace_back();
    for (size_t row = 0; row < rows; ++row)
      columns.back().push_back(given_images[given == rows ? row : row / images]);
  }
  return columns;
}

ContactSheet sheet_of(const GenerateRequest& request, const std::vector<ImageRow>& rows,
                      const at::Tensor& images, const std::vector<std::vector<at::Tensor>>& image_columns) {
  ContactSheet sheet;
  for (const AdapterSet& set : request.adapter_sets) sheet.column_labels.push_back(heading(request, set));
  for (const ImageColumn& column : request.image_columns) sheet.column_labels.push_back(column.label);
  const size_t sets = request.adapter_sets.size();
  for (size_t row = 0; row < rows.size() / sets; ++row) {
    const ImageRow& first = rows[row * sets];
    sheet.row_labels.push_back(request.images > 1 ? fmt::format("{} (seed {})", first.prompt, first.seed)
                                                  : first.prompt);
    for (size_t set = 0; set < sets; ++set)
      sheet.cells.push_back(images[static_cast<int64_t>(row * sets + set)]);
    for (const auto& column : image_columns) sheet.cells.push_back(column[row]);
  }
  return sheet;
}

StringMap by_file(const std::vector<fs::path>& files, const std::vector<std::string>& digests) {
  StringMap result;
  for (size_t i = 0; i < files.size(); ++i) result[files[i].string()] = digests[i];
  return result;
}

void warn_of_other_files(const StringMap& expected, const StringMap& found, ProgressSink& progress) {
  for (const auto& [file, digest] : found)
    if (const auto before = expected.find(file); before != expected.end() && before->second != digest)
      progress.warning(fmt::format("{} has changed since the image was made: its sha256 was {} and is now {}",
                                   file, before->second, digest));
}

/// One row per image: prompts × seeds down, adapter sets across. Fills result.images alongside.
std::vector<ImageRow> rows_of(const GenerateRequest& request, const RequestAdapters& adapters,
                              GenerateResult& result) {
  std::vector<ImageRow> rows;
  for (const std::string& prompt : request.prompts)
    for (int64_t image = 0; image < request.images; ++image)
      for (size_t set = 0; set < request.adapter_sets.size(); ++set) {
        rows.push_back({prompt, request.negative_prompt, request.seed + static_cast<uint64_t>(image), {}});
        if (!adapters.empty()) rows.back().adapter_weights = adapters.weights(set);
        result.images.push_back({{}, prompt, rows.back().seed, set});
      }
  return rows;
}

/// Each image to a file of its own. Completes result.images and result.files.
void write_images(const GenerateRequest& request, const StringMap& digests, const std::vector<ImageRow>& rows,
                  const at::Tensor& images, GenerateResult& result) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const AdapterSet& set = request.adapter_sets[result.images[i].adapter_set];
    const fs::path file = image_file(request.output, i, rows.size());
    write_png(file, images[row], image_text(request, digests, rows[i], set, row, images[row]));
    result.images[i].file = file;
    result.files.push_back(file);
  }
}

}  // namespace

fs::path image_file(const fs::path& output, size_t index, size_t count) {
  if (count == 1) return output;
  return output.parent_path() /
         fmt::format("{}-{}{}", output.stem().string(), index + 1, output.extension().string());
}

GenerateResult run_generate(const GenerateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel) {
  // 1. Whatever can be wrong without a base is reported before one is loaded
  check_request(request);
  SamplingOptions sampling = request.sampling;
  if (request.initial_noise)
    sampling.initial_noise = read_initial_noise(*request.initial_noise, request.initial_noise_row);
  const auto image_columns = read_image_columns(request);

  // 2. Base and adapters
  GenerateResult result;
  result.strategy = request.strategy;
  result.base = resolve_base(request.base);
  const std::unique_ptr<Sdxl> base = load_sdxl(result.base, request.policy, progress);
  AdapterDigests reading(adapter_files(request));
  const DressedBase dressed(*base, request, progress);
  const RequestAdapters& adapters = dressed.adapters();
  reading.start();
  std::optional<StringMap> digests;
  if (!request.expected_sha256.empty()) {
    digests = by_file(adapters.files(), reading.get());
    warn_of_other_files(request.expected_sha256, *digests, progress);
  }

  // 3. Images
  const std::vector<ImageRow> rows = rows_of(request, adapters, result);
  const auto started = std::chrono::steady_clock::now();
  const GeneratedImages made = dressed.artist().run(rows, sampling, progress, cancel);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  // 4. Files
  if (!digests) digests = by_file(adapters.files(), reading.get());
  if (request.grid) {
    const ContactSheet sheet = sheet_of(request, rows, made.images, image_columns);
    write_png(request.output, draw_contact_sheet(sheet), grid_text(request, *digests, made.images[0]));
    result.columns = sheet.column_labels;
    result.files.push_back(request.output);
  } else {
    write_images(request, *digests, rows, made.images, result);
  }
  if (request.save_latents) {
    write_safetensors(*request.save_latents, {{"latents", made.latents}});
    result.files.push_back(*request.save_latents);
  }
  result.peak_memory_bytes = peak_memory_bytes();
  return result;
}

nlohmann::json to_json(const GenerateResult& result) {
  nlohmann::json json = {{"command", "generate"},
                         {"base", result.base.string()},
                         {"strategy", result.strategy},
                         {"seconds", result.seconds},
                         {"peak_memory_bytes", result.peak_memory_bytes}};
  if (!result.columns.empty()) json["columns"] = result.columns;
  for (const fs::path& file : result.files) json["files"].push_back(file.string());
  for (const GenerateResult::Image& image : result.images)
    json["images"].push_back({{"file", image.file.string()},
                              {"prompt", image.prompt},
                              {"seed", image.seed},
                              {"adapter_set", image.adapter_set}});
  return json;
}

}  // namespace ziplora
