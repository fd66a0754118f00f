// ziplora-mini report: how well the miniature draws what it is asked for.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "mini/cli/commands.h"
#include "mini/cli/world_flags.h"
#include "mini/report/base_report.h"
#include "mini/report/lora_folder.h"
#include "mini/report/lora_report.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini::cli {
namespace {

std::string percent(std::optional<double> share) {
  return share ? fmt::format("{:.0f} %", 100 * *share) : "–";
}

std::string parts_table(const BaseMeasures& parts) {
  std::string text =
      fmt::format("{:.1f} MB, loaded in {:.2f} s, an image of 25 steps with guidance {:.2f} s\n",
                  static_cast<double>(parts.bytes) / 1e6, parts.load_seconds, parts.seconds_per_image);
  text += fmt::format("own caption the nearest of {}: {}\n", parts.nearest_caption.captions,
                      percent(parts.nearest_caption.share));
  text += fmt::format(
      "a known style's words move the pooled prompt by {} of its length, an invented one's by {}\n",
      percent(parts.prompt_moved_by_style.known), percent(parts.prompt_moved_by_style.invented));
  text += "squared error of the UNet, unseen scenes:";
  for (const auto& [timestep, error] : parts.unet_error)
    text += fmt::format("  t={} {:.3f}", timestep, error);
  text += "\nautoencoder, held-out drawings:\n";
  for (const auto& [artist, of] : parts.autoencoder)
    text += fmt::format("  {:<26}{:>5.1f} dB, mean colour off by {:.1f} % of the range\n", artist, of.psnr_db,
                        100 * of.colour_error);
  return text;
}

std::string split_table(const std::string& name, const std::map<std::string, ScenesBy>& split) {
  const ScenesBy &base = split.at("base"), &autoencoder = split.at("autoencoder"),
                 &artist = split.at("artist");
  std::string text = fmt::format("{:<26}{:>8}{:>14}{:>8}\n", name, "base", "autoencoder", "artist");
  for (const auto& [attribute, share] : base.recognised)
    text +=
        fmt::format("  {:<24}{:>8}{:>14}{:>8}\n", attribute, percent(share),
                    percent(autoencoder.recognised.at(attribute)), percent(artist.recognised.at(attribute)));
  return text + fmt::format("  {:<24}{:>8.3f}{:>14.3f}\n", "Fréchet distance", *base.frechet_distance,
                            *autoencoder.frechet_distance);
}

std::string loras_table(const LoraReportResult& result) {
  std::string text = fmt::format("{:<28}{:>9}{:>9}{:>12}{:>12}\n", "held-out LoRAs", "subject", "style",
                                 "background", "similarity");
  for (const auto& [name, group] : result.groups) {
    const auto share = [&marks = group.base](const char* mark) {
      const auto found = marks.find(mark);
      return percent(found == marks.end() ? std::nullopt : std::optional(found->second));
    };
    text += fmt::format("  {:<26}{:>9}{:>9}{:>12}{:>12.2f}\n", name, share("subject"), share("style"),
                        share("background"), group.base.at("similarity"));
  }
  return text;
}

struct ReportFlags {
  BaseReportRequest request;
  LoraReportRequest loras;
  std::string half = "none";
  std::optional<std::filesystem::path> lora_settings, zip_options;
  std::vector<double> style_strengths;
};

void require_loras(bool given, const char* problem) {
  if (given) throw Error(ErrorKind::kUsage, "ziplora-mini report", problem, "add --loras development");
}

/// @return nothing if no LoRAs are asked for
std::optional<LoraReportRequest> lora_request(const ReportFlags& flags) {
  if (flags.half == "none") {
    require_loras(flags.lora_settings.has_value(), "--lora-settings is for LoRAs, and none are asked for");
    require_loras(flags.zip_options.has_value(),
                  "--zip-options is for merges of LoRAs, and none are asked for");
    require_loras(!flags.style_strengths.empty(),
                  "--style-strength is for merges of LoRAs, and none are asked for");
    return std::nullopt;
  }
  LoraReportRequest loras = flags.loras;
  loras.world = flags.request.world;
  loras.base = flags.request.base;
  loras.judge = flags.request.judge;
  loras.output = flags.request.output / ("loras-" + flags.half);
  loras.half = flags.half == "report" ? Purpose::kReport : Purpose::kDevelopment;
  loras.seed = flags.request.seed;
  loras.steps = flags.request.steps;
  if (flags.lora_settings) loras.settings = read_json_file(*flags.lora_settings);
  if (flags.zip_options) loras.zip_options = read_json_file(*flags.zip_options);
  if (!flags.style_strengths.empty()) loras.style_strengths = flags.style_strengths;
  return loras;
}

void add_flags(CLI::App& app, ReportFlags& flags) {
  BaseReportRequest& request = flags.request;
  app.add_option("-o,--output", request.output, "Write report.json and the sheets to this folder")
      ->type_name("FOLDER");
  app.add_option("--base", request.base, "Measure the miniature, or a base that was trained in its world")
      ->type_name("FOLDER");
  app.add_option("--judge", request.judge, "Judge by this image encoder with attribute heads")
      ->type_name("FOLDER");
  app.add_option("--scenes", request.scenes, "Draw INT scenes of each split");
  app.add_option("--steps", request.steps, "Denoise in INT steps");
  app.add_option("--validation-scenes", request.validation_scenes,
                 "Measure the UNet's error on INT unseen scenes")
      ->check(CLI::PositiveNumber);
  app.add_option("--guidance-scale", request.guidance_scale,
                 "Set the weight of classifier-free guidance; 1 is none");
  app.add_option("--guidance-rescale", request.guidance_rescale, "Rescale guidance as generate does")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--loras", flags.half, "Train, merge and judge LoRAs of this half of what is held out")
      ->check(CLI::IsMember({"none", "development", "report"}));
  app.add_option("--lora-subjects", flags.loras.subjects, "Take INT of the half's subjects; -1 takes all");
  app.add_option("--lora-settings", flags.lora_settings,
                 "Train with the settings of this JSON file in place of both recipes'")
      ->type_name("FILE");
  app.add_option("--zip-options", flags.zip_options, "Merge by zip with the options of this JSON file")
      ->type_name("FILE");
  app.add_option("--style-strength", flags.style_strengths,
                 "Ask the merges for images at this style strength (default 1); repeat it for more, of which "
                 "the overview shows the first")
      ->allow_extra_args(false);
  app.add_option("--seed", request.seed, "Seed the noise, and the artists' places and shades");
  add_world_flags(app, request.world);
}

}  // namespace

Verb report_command(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  add_flags(app, *flags);
  app.footer(example("ziplora-mini report --scenes 60 -o out/base-report"));
  return {[flags](CommandContext& context) {
    const std::optional<LoraReportRequest> loras = lora_request(*flags);
    if (loras) claim_lora_report_folder(*loras);  // minutes before it is needed
    const BaseReport report = run_base_report(flags->request, context.progress, context.cancel);
    nlohmann::json json = to_json(report);
    std::string text = parts_table(report.parts);
    for (const char* name : {"seen", "held_out_pairs"}) text += split_table(name, report.splits.at(name));
    if (loras) {
      const LoraReportResult result = run_lora_report(*loras, context.progress, context.cancel);
      json["loras"] = to_json(result);
      write_json_file(flags->request.output / "report.json", json);
      text += loras_table(result);
    }
    context.print_result(json, text);
  }};
}

}  // namespace ziplora::mini::cli
