#include "ziplora/app/generate_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "ziplora/app/a1111_parameters.h"
#include "ziplora/app/default_base.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/base/printable.h"
#include "ziplora/io/json_file.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

using nlohmann::ordered_json;

const char* const kSettingsChunk = "ziplora";
const char* const kParametersChunk = "parameters";
const char* const kDigestsChunk = "ziplora.sha256";

/// All that an image may set, besides the options of strategies. An image comes from anybody, so whatever names
/// a file to write is not among it.
constexpr std::string_view kSettings[] = {
    "adapter",          "base",           "batch_size",     "column",    "dtype",        "grid",
    "guidance_rescale", "guidance_scale", "height",         "images",    "image_column", "karras",
    "negative_prompt",  "prompt",         "initial_noise",  "scheduler", "seed",         "steps",
    "strategy",         "style",          "style_strength", "subject",   "vae_tiling",   "width"};

std::string text_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// The setting that stands for an option of a strategy.
std::string setting_name(std::string option) {
  std::ranges::replace(option, '-', '_');
  return option;
}

bool is_setting(const std::string& name) {
  if (std::ranges::find(kSettings, name) != std::end(kSettings)) return true;
  for (const StrategyEntry& entry : strategies())
    for (const TableOption& option : entry.options)
      if (setting_name(option.name) == name) return true;
  return false;
}

std::string adapter_text(const AdapterChoice& choice) {
  return fmt::format("{}:{}", choice.file.string(), choice.strength);
}

/// As `--column` takes it.
std::string column_text(const AdapterSet& set) {
  std::string text;
  for (const AdapterChoice& choice : set.adapters) text += (text.empty() ? "" : "+") + adapter_text(choice);
  if (text.empty()) text = "none";
  return set.label.empty() ? text : set.label + "=" + text;
}

/// As `--image-column` takes it.
std::string column_text(const ImageColumn& column) {
  std::string text = column.label;
  for (size_t i = 0; i < column.images.size(); ++i) text += (i ? "," : "=") + column.images[i].string();
  return text;
}

/// The strategy with all its options, so that an image stays the same when defaults change; and the files that
/// have a role, whose strengths a grid's columns give.
void add_strategy(ordered_json& settings, const GenerateRequest& request) {
  if (request.strategy != GenerateRequest{}.strategy) settings["strategy"] = request.strategy;
  const auto options = resolve_options(strategy_option_table(), request.strategy, request.strategy_options);
  for (const auto& [name, value] : options.items()) settings[setting_name(name)] = value;
  for (const AdapterSet& set : request.adapter_sets)
    for (const AdapterChoice& choice : set.adapters)
      if (choice.role != Role::kAdapter) settings[name_of(choice.role)] = adapter_text(choice);
}

/// What single images and grids share.
ordered_json run_settings(const GenerateRequest& request, const at::Tensor& image) {
  ordered_json settings = {{"steps", request.sampling.steps},
                           {"guidance_scale", request.sampling.guidance_scale},
                           {"guidance_rescale", request.sampling.guidance_rescale},
                           {"karras", request.sampling.karras_sigmas},
                           {"vae_tiling", request.sampling.vae_tiling},
                           {"height", image.size(1)},
                           {"width", image.size(2)},
                           {"style_strength", request.style_strength},
                           {"dtype", dtype_name(request.policy.dtype)}};
  // The miniature lies elsewhere in the next clone.
  if (const auto base = named_base(request.base)) settings["base"] = base->string();
  if (!request.sampling.scheduler.empty()) settings["scheduler"] = request.sampling.scheduler;
  if (request.negative_prompt) settings["negative_prompt"] = *request.negative_prompt;
  add_strategy(settings, request);
  return settings;
}

std::string parameters_text(const GenerateRequest& request, const ImageRow& row, const AdapterSet& set,
                            const at::Tensor& image) {
  std::string text = row.prompt;
  for (const AdapterChoice& choice : set.adapters)
    text += fmt::format(" <lora:{}:{}>", choice.file.stem().string(), choice.strength);
  if (row.negative_prompt) text += "\nNegative prompt: " + *row.negative_prompt;
  return text + fmt::format("\nSteps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}",
                            request.sampling.steps,
                            request.sampling.scheduler.empty() ? "base" : request.sampling.scheduler,
                            request.sampling.guidance_scale, row.seed, image.size(2), image.size(1));
}

}  // namespace

StringMap image_text(const GenerateRequest& request, const StringMap& digests, const ImageRow& row,
                     const AdapterSet& set, int64_t row_index, const at::Tensor& image) {
  ordered_json settings = run_settings(request, image), own = ordered_json::object();
  settings["prompt"] = {row.prompt};
  settings["seed"] = row.seed;
  settings["adapter"] = ordered_json::array();
  for (const AdapterChoice& choice : set.adapters) {
    if (choice.role == Role::kAdapter) settings["adapter"].push_back(adapter_text(choice));
    own[choice.file.string()] = digests.at(choice.file.string());
  }
  if (request.initial_noise)
    settings["initial_noise"] =
        fmt::format("{}:{}", request.initial_noise->string(), request.initial_noise_row.value_or(row_index));
  return {{kSettingsChunk, text_of(settings)},
          {kDigestsChunk, text_of(own)},
          {kParametersChunk, parameters_text(request, row, set, image)}};
}

StringMap grid_text(const GenerateRequest& request, const StringMap& digests, const at::Tensor& image) {
  ordered_json settings = run_settings(request, image);
  settings["prompt"] = request.prompts;
  settings["seed"] = request.seed;
  settings["images"] = request.images;
  settings["batch_size"] = request.sampling.batch_size;
  settings["grid"] = true;
  for (const AdapterSet& set : request.adapter_sets) settings["column"].push_back(column_text(set));
  for (const ImageColumn& column : request.image_columns)
    settings["image_column"].push_back(column_text(column));
  if (request.initial_noise) settings["initial_noise"] = request.initial_noise->string();
  return {{kSettingsChunk, text_of(settings)}, {kDigestsChunk, text_of(digests)}};
}

nlohmann::json read_image_settings(const std::filesystem::path& image) {
  const StringMap text = read_png_text(image);
  const auto found = text.find(kSettingsChunk);
  const std::string where = "generate: --like " + image.string(),
                    hint = "name a PNG that 'ziplora generate' wrote, or one of A1111's";
  if (found == text.end())
    if (const auto others = text.find(kParametersChunk); others != text.end())
      if (nlohmann::json settings = settings_of_parameters(others->second); !settings.is_null())
        return settings;
  const auto settings = parse_json(found == text.end() ? "" : found->second);
  if (!settings || !settings->is_object())
    throw Error(ErrorKind::kInput, where, "the image carries no settings of ziplora", hint);
  for (const auto& [name, value] : settings->items())
    if (!is_setting(name))
      throw Error(ErrorKind::kInput, where,
                  "its settings hold '" + printable(name) + "', which ziplora writes into no image", hint);
  return *settings;
}

StringMap read_image_digests(const std::filesystem::path& image) {
  const StringMap text = read_png_text(image);
  const auto found = text.find(kDigestsChunk);
  const auto json = parse_json(found == text.end() ? "" : found->second);
  StringMap digests;
  if (json && json->is_object())
    for (const auto& [file, digest] : json->items())
      if (digest.is_string()) digests[file] = digest.get<std::string>();
  return digests;
}

}  // namespace ziplora
