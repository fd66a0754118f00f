#include "ziplora/app/generate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>

#include "ziplora/app/default_base.h"
#include "ziplora/base/error.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/pipeline/contact_sheet.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

const char* const kSettingsChunk = "ziplora";  // PNG text chunk of read_picture_settings

/// Weighs the columns of `up` that came from the style, where the file's metadata tells the split.
void apply_style_strength(Adapter& adapter, double strength) {
  const std::string where = "generate: --style-strength: " + adapter.source.string();
  const auto found = adapter.metadata.find("ziplora.split");
  const auto split = nlohmann::json::parse(found == adapter.metadata.end() ? "" : found->second, nullptr, false);
  if (!split.is_object() || !split.contains("roles") || !split.contains("ranks"))
    throw Error(ErrorKind::kIncompatible, where, "the file does not tell which of its ranks are the style's",
                "merge with 'ziplora merge' without --rank, or give --adapter FILE:scale for each input");
  const auto roles = split["roles"].get<std::vector<std::string>>();
  const auto ranks = split["ranks"].get<std::vector<int64_t>>();
  int64_t total = 0;
  for (const int64_t rank : ranks) total += rank;
  for (auto& [target, layer] : adapter.layers) {
    if (layer.rank() != total || ranks.size() != roles.size())
      throw Error(ErrorKind::kIncompatible, where,
                  fmt::format("{} has rank {}, the recorded split has {}", target, layer.rank(), total));
    layer.up = layer.up.clone();
    int64_t first = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (roles[i] == "style") layer.up.narrow(1, first, ranks[i]).mul_(strength);
      first += ranks[i];
    }
  }
}

/// Each file once, whatever number of sets it is in.
struct LoadedAdapters {
  std::vector<fs::path> files;
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<std::vector<double>> weights;  ///< per set, one strength per file
};

LoadedAdapters load_adapters(const GenerateRequest& request, const TargetNames& names, ProgressSink& progress) {
  LoadedAdapters loaded;
  std::vector<std::map<size_t, double>> strengths;
  for (const AdapterSet& set : request.adapter_sets) {
    strengths.emplace_back();
    for (const AdapterChoice& choice : set) {
      size_t index = 0;
      while (index < loaded.files.size() && loaded.files[index] != choice.file) ++index;
      if (index == loaded.files.size()) {
        std::vector<std::string> warnings;
        auto adapter = std::make_unique<Adapter>(read_adapter(choice.file, names, warnings));
        for (const std::string& warning : warnings) progress.warning(choice.file.filename().string() + ": " + warning);
        if (request.style_strength != 1.0) apply_style_strength(*adapter, request.style_strength);
        loaded.files.push_back(choice.file);
        loaded.adapters.push_back(std::move(adapter));
      }
      strengths.back()[index] += choice.scale;
    }
  }
  if (request.style_strength != 1.0 && loaded.files.empty())
    throw Error(ErrorKind::kUsage, "generate: --style-strength", "there is no adapter whose style it could weigh");
  for (const auto& set : strengths) {
    loaded.weights.emplace_back(loaded.files.size(), 0.0);
    for (const auto& [index, strength] : set) loaded.weights.back()[index] = strength;
  }
  return loaded;
}

std::string describe(const AdapterSet& set) {
  std::string text;
  for (const AdapterChoice& choice : set) {
    text += (text.empty() ? "" : " + ") + choice.file.stem().string();
    if (choice.scale != 1.0) text += fmt::format(" × {:g}", choice.scale);
  }
  return text.empty() ? "base" : text;
}

/// Option names and values of `generate` that make this one picture again.
nlohmann::ordered_json settings_of(const GenerateRequest& request, const fs::path& base, const ImageRow& row,
                                   const AdapterSet& set, const at::Tensor& image) {
  nlohmann::ordered_json adapters = nlohmann::ordered_json::array();
  for (const AdapterChoice& choice : set) adapters.push_back(fmt::format("{}:{}", choice.file.string(), choice.scale));
  nlohmann::ordered_json settings = {{"prompt", {row.prompt}},
                                     {"adapter", adapters},
                                     {"base", base.string()},
                                     {"seed", row.seed},
                                     {"steps", request.sampling.steps},
                                     {"guidance_scale", request.sampling.guidance_scale},
                                     {"guidance_rescale", request.sampling.guidance_rescale},
                                     {"karras", request.sampling.karras_sigmas},
                                     {"height", image.size(1)},
                                     {"width", image.size(2)},
                                     {"style_strength", request.style_strength},
                                     {"dtype", request.policy.dtype == at::kBFloat16 ? "bfloat16"
                                               : request.policy.dtype == at::kHalf   ? "float16"
                                                                                     : "float32"}};
  if (!request.sampling.scheduler.empty()) settings["scheduler"] = request.sampling.scheduler;
  if (row.negative_prompt) settings["negative_prompt"] = *row.negative_prompt;
  if (request.initial_noise) settings["initial_noise"] = request.initial_noise->string();
  return settings;
}

/// What A1111 and the tools that follow it read.
std::string parameters_text(const GenerateRequest& request, const ImageRow& row, const AdapterSet& set,
                            const at::Tensor& image) {
  std::string text = row.prompt;
  for (const AdapterChoice& choice : set) text += fmt::format(" <lora:{}:{}>", choice.file.stem().string(), choice.scale);
  if (row.negative_prompt) text += "\nNegative prompt: " + *row.negative_prompt;
  return text + fmt::format("\nSteps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}", request.sampling.steps,
                            request.sampling.scheduler.empty() ? "base" : request.sampling.scheduler,
                            request.sampling.guidance_scale, row.seed, image.size(2), image.size(1));
}

/// Found before the work, not after it.
void check_output_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder))
    throw Error(ErrorKind::kFailed, "generate: " + file.string(), "the folder " + folder.string() + " does not exist",
                "run 'mkdir -p " + folder.string() + "'");
}

fs::path numbered(const fs::path& output, size_t index, size_t count) {
  if (count == 1) return output;
  return output.parent_path() / fmt::format("{}-{}{}", output.stem().string(), index + 1, output.extension().string());
}

at::Tensor read_initial_noise(const fs::path& path) {
  const SafetensorsFile file(path);
  if (!file.contains("latents"))
    throw Error(ErrorKind::kInput, "generate: " + path.string(), "there is no tensor 'latents', expected [N, C, h, w]",
                "write one with --save-latents, or with safetensors.torch.save_file({'latents': noise}, …)");
  return file.tensor("latents").to(at::kFloat);
}

ContactSheet sheet_of(const GenerateRequest& request, const std::vector<ImageRow>& rows, const at::Tensor& images) {
  ContactSheet sheet;
  for (const AdapterSet& set : request.adapter_sets) sheet.column_labels.push_back(describe(set));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % request.adapter_sets.size() == 0)
      sheet.row_labels.push_back(request.images > 1 ? fmt::format("{} (seed {})", rows[i].prompt, rows[i].seed)
                                                    : rows[i].prompt);
    sheet.cells.push_back(images[static_cast<int64_t>(i)]);
  }
  return sheet;
}

}  // namespace

GenerateResult run_generate(const GenerateRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  if (request.prompts.empty())
    throw Error(ErrorKind::kUsage, "generate", "there is no prompt", "run 'ziplora generate \"a dog\" -o dog.png'");
  if (request.images < 1)
    throw Error(ErrorKind::kUsage, "generate", fmt::format("{} images were asked for", request.images));
  check_output_folder(request.output);
  if (request.save_latents) check_output_folder(*request.save_latents);
  SamplingOptions sampling = request.sampling;
  if (!sampling.scheduler.empty()) make_scheduler(sampling.scheduler, NoiseSchedule({}));  // a slip shows before loading
  if (request.initial_noise) sampling.initial_noise = read_initial_noise(*request.initial_noise);

  // 1. Base and adapters
  GenerateResult result;
  result.base = resolve_base(request.base);
  const std::unique_ptr<Sdxl> base = load_sdxl(result.base, request.policy);
  const TargetNames names(base->unet.config, base->text_encoder.config, base->text_encoder_2.config);
  const LoadedAdapters loaded = load_adapters(request, names, progress);
  std::unique_ptr<AttachedAdapters> attached;
  if (!loaded.adapters.empty()) {
    std::vector<const Adapter*> adapters;
    for (const auto& adapter : loaded.adapters) adapters.push_back(adapter.get());
    const Components components = {{"unet", &base->unet},
                                   {"text_encoder", &base->text_encoder},
                                   {"text_encoder_2", &base->text_encoder_2}};
    attached = std::make_unique<AttachedAdapters>(components, adapters);
  }

  // 2. One row per picture: prompts × seeds down, adapter sets across
  std::vector<ImageRow> rows;
  for (const std::string& prompt : request.prompts)
    for (int64_t image = 0; image < request.images; ++image)
      for (size_t set = 0; set < request.adapter_sets.size(); ++set) {
        rows.push_back({prompt, request.negative_prompt, request.seed + static_cast<uint64_t>(image), {}});
        if (attached) rows.back().adapter_weights = loaded.weights[set];
        result.pictures.push_back({{}, prompt, rows.back().seed, set});
      }

  // 3. Pictures
  const auto started = std::chrono::steady_clock::now();
  const GeneratedImages made = TextToImage(*base, attached.get()).run(rows, sampling, progress, cancel);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  // 4. Files
  if (request.grid) {
    write_png(request.output, draw_contact_sheet(sheet_of(request, rows, made.images)));
    result.files.push_back(request.output);
  } else {
    for (size_t i = 0; i < rows.size(); ++i) {
      const at::Tensor image = made.images[static_cast<int64_t>(i)];
      const AdapterSet& set = request.adapter_sets[result.pictures[i].adapter_set];
      const fs::path file = numbered(request.output, i, rows.size());
      write_png(file, image,
                {{kSettingsChunk, settings_of(request, result.base, rows[i], set, image).dump()},
                 {"parameters", parameters_text(request, rows[i], set, image)}});
      result.pictures[i].file = file;
      result.files.push_back(file);
    }
  }
  if (request.save_latents) {
    write_safetensors(*request.save_latents, {{"latents", made.latents}});
    result.files.push_back(*request.save_latents);
  }
  return result;
}

nlohmann::json read_picture_settings(const std::filesystem::path& picture) {
  const StringMap text = read_png_text(picture);
  const auto found = text.find(kSettingsChunk);
  const auto settings = nlohmann::json::parse(found == text.end() ? "" : found->second, nullptr, false);
  if (!settings.is_object())
    throw Error(ErrorKind::kInput, "generate: --like " + picture.string(), "the picture carries no settings of ziplora",
                "give a PNG that 'ziplora generate' wrote");
  return settings;
}

}  // namespace ziplora
