// ziplora-mini report: how well the miniature base draws what it is asked for.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "mini/cli/commands.h"
#include "mini/report/base_report.h"
#include "mini/report/lora_report.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini::cli {
namespace {

std::string parts_table(const nlohmann::json& parts) {
  std::string text =
      fmt::format("{:.1f} MB, loaded in {:.2f} s, an image of 25 steps with guidance {:.2f} s\n",
                  parts.at("bytes").get<double>() / 1e6, parts.at("load_seconds").get<double>(),
                  parts.at("seconds_per_image").get<double>());
  text += fmt::format("own caption the nearest of {}: {:.0f} %\n",
                      parts.at("nearest_caption").at("captions").get<int>(),
                      100 * parts.at("nearest_caption").at("share").get<double>());
  const nlohmann::json& moved = parts.at("prompt_moved_by_style");
  text += fmt::format(
      "a known style's words move the pooled prompt by {:.0f} % of it, an invented one's by {:.0f} %\n",
      100 * moved.at("known").get<double>(), 100 * moved.at("invented").get<double>());
  text += "squared error of the UNet, unseen scenes:";
  for (const auto& [timestep, error] : parts.at("unet_error").items())
    text += fmt::format("  t={} {:.3f}", timestep, error.get<double>());
  text += "\nautoencoder, held-out drawings:\n";
  for (const auto& [artist, of] : parts.at("autoencoder").items())
    text += fmt::format("  {:<26}{:>5.1f} dB, mean colour off by {:.1f} % of the range\n", artist,
                        of.at("psnr_db").get<double>(), 100 * of.at("colour_error").get<double>());
  return text;
}

std::string table(const nlohmann::json& report) {
  auto share = [](const nlohmann::json& value) {
    return value.is_null() ? std::string("–") : fmt::format("{:.0f} %", 100 * value.get<double>());
  };
  std::string text = parts_table(report.at("parts"));
  for (const char* split : {"seen", "held_out_pairs"}) {
    const nlohmann::json& part = report.at(split);
    text += fmt::format("{:<26}{:>8}{:>14}{:>8}\n", split, "base", "autoencoder", "artist");
    for (const auto& [attribute, value] : part.at("base").items())
      text +=
          fmt::format("  {:<24}{:>8}{:>14}{:>8}\n", attribute, share(value),
                      share(part.at("autoencoder").at(attribute)), share(part.at("artist").at(attribute)));
    const nlohmann::json& distance = part.at("frechet_distance");
    text += fmt::format("  {:<24}{:>8.3f}{:>14.3f}\n", "Fréchet distance", distance.at("base").get<double>(),
                        distance.at("autoencoder").get<double>());
  }
  if (report.contains("loras")) {
    text += fmt::format("{:<28}{:>9}{:>9}{:>12}{:>12}\n", "held-out LoRAs", "subject", "style", "background",
                        "similarity");
    for (const auto& [group, part] : report.at("loras").items()) {
      text += fmt::format("  {:<26}", group);
      for (const auto& [mark, width] : {std::pair("subject", 9), {"style", 9}, {"background", 12}})
        text += fmt::format("{:>{}}", share(part.at("base").value(mark, nlohmann::json())), width);
      text += fmt::format("{:>12.2f}\n", part.at("base").at("similarity").get<double>());
    }
  }
  return text;
}

/// How --loras names the half of the held-out lists.
Role half_named(const std::string& name) { return name == "report" ? Role::kReport : Role::kDevelopment; }

}  // namespace

Verb report_command(CLI::App& app) {
  struct Flags {
    BaseReportRequest request;
    int64_t lora_subjects = 4;
    std::vector<double> style_strengths;
    std::optional<std::string> lora_settings;
    std::string loras = "none", world, cache, base, judge, output = "out/base-report";
  };
  auto flags = std::make_shared<Flags>();
  BaseReportRequest& request = flags->request;
  flags->world = request.world.assets.string();
  flags->cache = request.world.cache.string();
  flags->base = request.base.string();
  flags->judge = request.judge.string();
  app.add_option("-o,--output", flags->output, "folder for report.json and the sheets");
  app.add_option("--base", flags->base, "the embedded base, or one that was trained in its world");
  app.add_option("--judge", flags->judge, "image encoder with attribute heads");
  app.add_option("--scenes", request.scenes, "images of each split");
  app.add_option("--steps", request.steps, "denoising steps");
  app.add_option("--guidance-scale", request.guidance_scale, "1: none");
  app.add_option("--guidance-rescale", request.guidance_rescale, "as of generate")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--loras", flags->loras, "train, merge and judge LoRAs of this half of what is held out")
      ->check(CLI::IsMember({"none", "development", "report"}));
  app.add_option("--lora-subjects", flags->lora_subjects, "how many of the half's subjects; -1: all");
  app.add_option("--lora-settings", flags->lora_settings,
                 "JSON file of train's settings in place of both recipes'");
  app.add_option("--style-strength", flags->style_strengths,
                 "of generate, at which the merges are asked for images; again for more; the overview shows "
                 "the first [1]")
      ->allow_extra_args(false);
  app.add_option("--seed", request.seed, "of noise, and of the artists' places and shades");
  app.add_option("--world", flags->world, "the catalogue of subjects, styles and backgrounds");
  app.add_option("--cache", flags->cache, "drawings: packages and what was rendered of them");
  app.footer(example("ziplora-mini report --scenes 60 -o out/base-report"));
  return {[flags](CommandContext& context) {
    BaseReportRequest& request = flags->request;
    request.world = {flags->world, flags->cache};
    request.base = flags->base;
    request.judge = flags->judge;
    request.output = flags->output;
    const nlohmann::json settings =
        flags->lora_settings ? read_json_file(*flags->lora_settings) : nlohmann::json::object();
    if (flags->lora_settings && flags->loras == "none")
      throw Error(ErrorKind::kUsage, "ziplora-mini report",
                  "--lora-settings is for LoRAs, and none are asked for", "add --loras development");
    if (!flags->style_strengths.empty() && flags->loras == "none")
      throw Error(ErrorKind::kUsage, "ziplora-mini report",
                  "--style-strength is for merges of LoRAs, and none are asked for",
                  "add --loras development");
    LoraReportRequest loras{.world = request.world,
                            .base = request.base,
                            .judge = request.judge,
                            .output = request.output / ("loras-" + flags->loras),
                            .half = half_named(flags->loras),
                            .subjects = flags->lora_subjects,
                            .settings = settings,
                            .seed = request.seed};
    if (!flags->style_strengths.empty()) loras.style_strengths = flags->style_strengths;
    const bool with_loras = flags->loras != "none";
    if (with_loras) claim_lora_report_folder(loras);  // minutes before it is needed
    nlohmann::json report = run_base_report(request, context.progress, context.cancel);
    if (with_loras) {
      report["loras"] = run_lora_report(loras, context.progress, context.cancel);
      write_json_file(request.output / "report.json", report);
    }
    context.print_result(report, table(report));
  }};
}

}  // namespace ziplora::mini::cli
