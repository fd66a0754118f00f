#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "command.h"
#include "config_file.h"
#include "ziplora/app/generate.h"
#include "ziplora/base/error.h"
#include "ziplora/diffusion/scheduler.h"

namespace ziplora::cli {
namespace {

struct GenerateOptions {
  std::vector<std::string> prompt, adapter, column;
  std::string output, like;
  std::optional<std::string> base, negative_prompt, initial_noise, save_latents;
  std::string scheduler, dtype = "float32";
  uint64_t seed = 0;
  int64_t images = 1, steps = 25, height = 0, width = 0, batch_size = 4;
  double guidance_scale = 5.0, guidance_rescale = 0.0, style_strength = 1.0;
  bool karras = false, grid = false;
};

/// "cat.safetensors:0.8"; a colon in the name of an existing file is part of the name.
AdapterChoice parse_adapter(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return {text};
  try {
    size_t used = 0;
    const double scale = std::stod(text.substr(colon + 1), &used);
    if (used == text.size() - colon - 1) return {text.substr(0, colon), scale};
  } catch (const std::logic_error&) {
  }
  throw Error(ErrorKind::kUsage, "generate: --adapter " + text,
              "'" + text.substr(colon + 1) + "' is no number, expected FILE or FILE:scale",
              "for example --adapter cat.safetensors:0.8");
}

/// "none", or adapters joined by '+'.
AdapterSet parse_column(const std::string& text) {
  AdapterSet set;
  for (size_t begin = 0; text != "none" && begin <= text.size();) {
    const size_t end = std::min(text.find('+', begin), text.size());
    set.push_back(parse_adapter(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return set;
}

/// A grid compares: its columns as given, or the base, each adapter alone and all together.
std::vector<AdapterSet> adapter_sets(const GenerateOptions& options) {
  AdapterSet all;
  for (const std::string& text : options.adapter) all.push_back(parse_adapter(text));
  if (!options.grid) {
    if (!options.column.empty())
      throw Error(ErrorKind::kUsage, "generate: --column", "columns were given without --grid", "add --grid");
    return {all};
  }
  std::vector<AdapterSet> sets;
  for (const std::string& text : options.column) sets.push_back(parse_column(text));
  if (!sets.empty()) return sets;
  sets.push_back({});
  for (const AdapterChoice& choice : all) sets.push_back({choice});
  if (all.size() > 1) sets.push_back(all);
  return sets;
}

void run(const GenerateOptions& options, CommandContext& context) {
  GenerateRequest request;
  request.prompts = options.prompt;
  request.adapter_sets = adapter_sets(options);
  request.style_strength = options.style_strength;
  request.negative_prompt = options.negative_prompt;
  request.seed = options.seed;
  request.images = options.images;
  request.sampling.steps = options.steps;
  request.sampling.guidance_scale = options.guidance_scale;
  request.sampling.guidance_rescale = options.guidance_rescale;
  request.sampling.scheduler = options.scheduler;
  request.sampling.karras_sigmas = options.karras;
  request.sampling.height = options.height;
  request.sampling.width = options.width;
  request.sampling.batch_size = options.batch_size;
  request.policy.dtype = options.dtype == "bfloat16" ? at::kBFloat16 : options.dtype == "float16" ? at::kHalf : at::kFloat;
  if (options.base) request.base = *options.base;
  if (options.initial_noise) request.initial_noise = *options.initial_noise;
  if (options.save_latents) request.save_latents = *options.save_latents;
  request.grid = options.grid;
  request.output = options.output;
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "ziplora generate", "--output is required", "add -o OUT.png");

  const GenerateResult made = run_generate(request, context.progress, context.cancel);
  nlohmann::ordered_json result = {{"command", "generate"}, {"base", made.base.string()}, {"seconds", made.seconds}};
  std::string text;
  for (const auto& file : made.files) {
    result["files"].push_back(file.string());
    text += file.string() + "\n";
  }
  for (const auto& picture : made.pictures)
    result["pictures"].push_back({{"file", picture.file.string()},
                                  {"prompt", picture.prompt},
                                  {"seed", picture.seed},
                                  {"adapter_set", picture.adapter_set}});
  context.print_result(result, text);
}

std::string scheduler_help() {
  std::string names;
  for (const SchedulerEntry& entry : schedulers()) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return "one of " + names + "; the base's own if absent";
}

}  // namespace

Run generate_command(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  app.add_option("prompt", options->prompt, "one or more prompts");
  app.add_option("--adapter", options->adapter, "LoRA FILE or FILE:scale; repeat it for several at once")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("-o,--output", options->output, "PNG to write; several pictures are numbered out-1.png, out-2.png …");
  app.add_option("--base", options->base, "diffusers folder or single-file checkpoint; absent: the embedded base");
  app.add_option("--negative-prompt", options->negative_prompt, "what guidance leads away from");
  app.add_option("--steps", options->steps, "denoising steps");
  app.add_option("--guidance-scale", options->guidance_scale, "classifier-free guidance; 1 or less turns it off");
  app.add_option("--guidance-rescale", options->guidance_rescale, "0 to 1, against overexposure (arXiv 2305.08891)");
  app.add_option("--scheduler", options->scheduler, scheduler_help());
  app.add_flag("--karras,!--no-karras", options->karras, "Karras noise levels (arXiv 2206.00364)");
  app.add_option("--seed", options->seed, "of the first picture; the next ones count up");
  app.add_option("-n,--images", options->images, "pictures per prompt");
  app.add_option("--height", options->height, "pixels; 0: the base's own size");
  app.add_option("--width", options->width, "pixels; 0: the base's own size");
  app.add_option("--batch-size", options->batch_size, "pictures in one forward pass");
  app.add_option("--dtype", options->dtype, "of UNet and text encoders")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}));
  app.add_option("--style-strength", options->style_strength, "the paper's w_s, for files merged by ziplora");
  app.add_option("--initial-noise", options->initial_noise, "safetensors with `latents` [N, C, h, w] of unit variance");
  app.add_option("--save-latents", options->save_latents, "safetensors to write the final latents to");
  app.add_flag("--grid", options->grid, "one labelled sheet: prompts and seeds down, adapters across");
  app.add_option("--column", options->column, "a grid's column: none, or FILE[:scale] joined by +; repeat it")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--like", options->like, "repeat a picture that ziplora made; flags win over its settings")
      ->group(kFrameGroup);
  app.footer(example("ziplora generate \"a ghost next to a tree\" --adapter ghost-in-ink.safetensors:0.9 -o ghost.png"));
  return [options, &app](CommandContext& context) {
    if (!options->like.empty())
      apply_config(read_picture_settings(options->like), "generate: --like " + options->like, app);
    run(*options, context);
  };
}

}  // namespace ziplora::cli
