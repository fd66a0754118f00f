#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/config_file.h"
#include "cli/frame/dtype_flag.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/generate_settings.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/diffusion/scheduler.h"

namespace ziplora::cli {
namespace {

struct GenerateOptions {
  std::vector<std::string> prompt, adapter, column, image_column;
  std::string output, like;
  std::optional<std::string> base, negative_prompt, initial_noise, save_latents;
  std::string scheduler, device = "cpu";
  at::ScalarType dtype = at::kFloat;
  uint64_t seed = 0;
  int64_t images = 1, steps = 25, height = 0, width = 0, batch_size = 4;
  double guidance_scale = 5.0, guidance_rescale = 0.0, style_strength = 1.0;
  bool karras = false, vae_tiling = false, grid = false;
};

/// Whether the text is the name of a file, with or without a scale behind it.
bool names_a_file(const std::string& text) {
  return std::filesystem::exists(text) || std::filesystem::exists(text.substr(0, text.rfind(':')));
}

/// "none", or adapters joined by '+'; in front of it, on request, "label=". An '=' in the name of an existing
/// file is part of the name.
AdapterSet parse_column(const std::string& text) {
  AdapterSet set;
  std::string adapters = text;
  const size_t equals = text.find('=');
  if (equals != std::string::npos && !names_a_file(text.substr(0, text.find('+')))) {
    set.label = text.substr(0, equals);
    adapters = text.substr(equals + 1);
  }
  for (size_t begin = 0; adapters != "none" && begin <= adapters.size();) {
    const size_t end = std::min(adapters.find('+', begin), adapters.size());
    set.adapters.push_back(parse_adapter("generate: --column", adapters.substr(begin, end - begin)));
    begin = end + 1;
  }
  return set;
}

/// "label=FILE,FILE,,FILE": nothing between two commas leaves a cell blank.
ImageColumn parse_image_column(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    throw Error(ErrorKind::kUsage, "generate: --image-column " + text,
                "there is no '=', expected LABEL=FILE[,FILE…]",
                "for example --image-column \"true drawing=a.png,,b.png\"");
  ImageColumn column{text.substr(0, equals), {}};
  for (size_t begin = equals + 1; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    column.images.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return column;
}

/// A grid compares: its columns as given, or the base, each adapter alone and all together.
std::vector<AdapterSet> adapter_sets(const GenerateOptions& options) {
  AdapterSet all;
  for (const std::string& text : options.adapter)
    all.adapters.push_back(parse_adapter("generate: --adapter", text));
  if (!options.grid) {
    if (!options.column.empty())
      throw Error(ErrorKind::kUsage, "generate: --column", "columns were given without --grid", "add --grid");
    return {all};
  }
  std::vector<AdapterSet> sets;
  for (const std::string& text : options.column) sets.push_back(parse_column(text));
  if (!sets.empty()) return sets;
  sets.emplace_back();
  for (const AdapterChoice& choice : all.adapters) sets.push_back({{choice}, {}});
  if (all.adapters.size() > 1) sets.push_back(all);
  return sets;
}

void run(const GenerateOptions& options, CommandContext& context) {
  GenerateRequest request;
  request.prompts = options.prompt;
  request.adapter_sets = adapter_sets(options);
  for (const std::string& text : options.image_column)
    request.image_columns.push_back(parse_image_column(text));
  request.style_strength = options.style_strength;
  request.negative_prompt = options.negative_prompt;
  request.seed = options.seed;
  request.images = options.images;
  request.sampling.steps = options.steps;
  request.sampling.guidance_scale = options.guidance_scale;
  request.sampling.guidance_rescale = options.guidance_rescale;
  request.sampling.scheduler = options.scheduler;
  request.sampling.karras_sigmas = options.karras;
  request.sampling.vae_tiling = options.vae_tiling;
  request.sampling.height = options.height;
  request.sampling.width = options.width;
  request.sampling.batch_size = options.batch_size;
  request.policy = parse_device_policy(options.device, options.dtype, "generate: --device");
  if (options.base) request.base = *options.base;
  if (options.initial_noise) {
    const auto [file, row] =
        split_number<int64_t>("generate: --initial-noise", *options.initial_noise, "noise.safetensors:0");
    request.initial_noise = file;
    request.initial_noise_row = row;
  }
  if (!options.like.empty()) request.expected_sha256 = read_image_digests(options.like);
  if (options.save_latents) request.save_latents = *options.save_latents;
  request.grid = options.grid;
  request.output = options.output;
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "ziplora generate", "--output is required", "add -o OUT.png");

  const GenerateResult made = run_generate(request, context.progress, context.cancel);
  nlohmann::ordered_json result = {{"command", "generate"},
                                   {"base", made.base.string()},
                                   {"seconds", made.seconds},
                                   {"peak_memory_bytes", peak_memory_bytes()}};
  if (!made.columns.empty()) result["columns"] = made.columns;
  std::string text;
  for (const auto& file : made.files) {
    result["files"].push_back(file.string());
    text += file.string() + "\n";
  }
  for (const auto& image : made.images)
    result["images"].push_back({{"file", image.file.string()},
                                {"prompt", image.prompt},
                                {"seed", image.seed},
                                {"adapter_set", image.adapter_set}});
  context.print_result(result, text);
}

/// An image that --like names is a config, too.
std::optional<FurtherSettings> settings_of_image(const GenerateOptions& options) {
  if (options.like.empty()) return std::nullopt;
  return FurtherSettings{read_image_settings(options.like), "generate: --like " + options.like};
}

std::string scheduler_help() {
  std::string names;
  for (const SchedulerEntry& entry : schedulers())
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return "one of " + names + "; the base's own if absent";
}

}  // namespace

Verb generate_command(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  app.add_option("prompt", options->prompt, "one or more prompts");
  app.add_option("--adapter", options->adapter, "LoRA FILE or FILE:scale; repeat it for several at once")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("-o,--output", options->output,
                 "PNG to write; several images are numbered out-1.png, out-2.png …");
  app.add_option("--base", options->base,
                 "diffusers folder or single-file checkpoint; absent: the embedded base");
  app.add_option("--negative-prompt", options->negative_prompt, "what guidance leads away from");
  app.add_option("--steps", options->steps, "denoising steps");
  app.add_option("--guidance-scale", options->guidance_scale,
                 "classifier-free guidance; 1 or less turns it off");
  app.add_option("--guidance-rescale", options->guidance_rescale,
                 "0 to 1, against overexposure (arXiv 2305.08891)");
  app.add_option("--scheduler", options->scheduler, scheduler_help());
  app.add_flag("--karras,!--no-karras", options->karras, "Karras noise levels (arXiv 2206.00364)");
  app.add_flag("--vae-tiling,!--no-vae-tiling", options->vae_tiling,
               "decode large images in tiles: less memory, faint seams");
  app.add_option("--seed", options->seed, "of the first image; the next ones count up");
  app.add_option("-n,--images", options->images, "images per prompt");
  app.add_option("--height", options->height, "pixels; 0: the base's own size");
  app.add_option("--width", options->width, "pixels; 0: the base's own size");
  app.add_option("--batch-size", options->batch_size, "images in one forward pass");
  add_dtype_flag(app, "--dtype", options->dtype, "Run UNet and text encoders in this type");
  app.add_option("--device", options->device, "cpu, cuda, cuda:1 …");
  app.add_option("--style-strength", options->style_strength,
                 "the paper's w_s, for files merged by ziplora; other columns of a grid stay as they are");
  app.add_option("--initial-noise", options->initial_noise,
                 "safetensors with `latents` [N, C, h, w] of unit variance, one row per image; FILE:ROW "
                 "takes one row");
  app.add_option("--save-latents", options->save_latents, "safetensors to write the final latents to");
  app.add_flag("--grid", options->grid, "one labelled sheet: prompts and seeds down, adapters across");
  app.add_option(
         "--column", options->column,
         "a grid's column: none, or FILE[:scale] joined by +, with LABEL= before it on request; repeat it")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--image-column", options->image_column,
                 "a grid's column of given images, LABEL=FILE[,FILE…]: one file per row or per prompt, "
                 "none between two "
                 "commas for a blank cell; repeat it")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--like", options->like, "repeat an image that ziplora made; flags win over its settings")
      ->group(kFrameGroup);
  app.footer(example(
      "ziplora generate \"a ghost next to a tree\" --adapter ghost-in-ink.safetensors:0.9 -o ghost.png"));
  return {[options](CommandContext& context) { run(*options, context); },
          [options] { return settings_of_image(*options); }};
}

}  // namespace ziplora::cli
