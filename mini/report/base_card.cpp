#include "mini/report/base_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <numeric>
#include <vector>

#include "mini/world/catalogue.h"
#include "ziplora/base/error.h"
#include "ziplora/io/safetensors.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Of the last so many iterations' losses the card gives the mean.
constexpr size_t kLastLosses = 100;

/// What a base should reach, of prompts like those it was trained on and of pairs it was never shown.
struct Goal {
  const char* split;
  const char* attribute;
  double share;
};
constexpr std::array kGoals = {
    Goal{"seen", "subject", 0.70},           Goal{"seen", "style", 0.90},
    Goal{"seen", "background", 0.90},        Goal{"seen", "second_subject_present", 0.50},
    Goal{"held_out_pairs", "subject", 0.60}, Goal{"held_out_pairs", "style", 0.85},
};

std::vector<json> lines_of(const fs::path& path) {
  std::vector<json> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_discarded())
      throw Error(ErrorKind::kInput, "read " + path.string(),
                  fmt::format("line {} is no JSON", lines.size() + 1),
                  "the run folder's records are damaged");
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string share(const json& value) {
  return value.is_null() ? "–" : fmt::format("{:.0f} %", 100 * value.get<double>());
}

int64_t parameters_in(const fs::path& weights) {
  int64_t count = 0;
  const SafetensorsFile file(weights);
  for (const auto& [name, info] : file.tensors())
    count += std::accumulate(info.shape.begin(), info.shape.end(), int64_t{1}, std::multiplies<>());
  return count;
}

std::string parts_section(const fs::path& base) {
  std::string text = "| part | parameters | weights |\n|---|---|---|\n";
  for (const char* part : {"text_encoder", "text_encoder_2", "unet", "vae"})
    for (const auto& entry : fs::directory_iterator(base / part))
      if (entry.path().extension() == ".safetensors")
        text += fmt::format("| {} | {:.1f} M | {:.1f} MB |\n", part,
                            static_cast<double>(parameters_in(entry.path())) / 1e6,
                            static_cast<double>(entry.file_size()) / 1e6);
  return text;
}

std::string data_section(const Catalogue& catalogue) {
  const auto seen = [](const auto& things) {
    return std::count_if(things.begin(), things.end(), [](const auto& it) { return it.role == Role::kSeen; });
  };
  return fmt::format(
      "Scenes of the emoji world (`mini/assets`): {} subjects × {} styles, from the artists named in "
      "`NOTICE`. "
      "{} subjects, {} styles and {} subject × style pairs of `mini/assets/held_out.json` were never shown "
      "to "
      "any part of it. The weights are adaptations of those drawings; the artists' licences apply to what "
      "they "
      "show.\n",
      seen(catalogue.subjects), seen(catalogue.styles),
      std::ssize(catalogue.subjects) - seen(catalogue.subjects),
      std::ssize(catalogue.styles) - seen(catalogue.styles), catalogue.held_out_pairs.size());
}

/// In the order in which the stages run; one that this run skipped has no record.
std::string recipe_section(const fs::path& run_folder) {
  std::string text = "| stage | updates | highest learning rate | hours | mean loss of the last " +
                     std::to_string(kLastLosses) + " |\n|---|---|---|---|---|\n";
  double all_hours = 0;
  for (const char* stage : {"autoencoder", "text encoders", "judge", "unet"}) {
    const std::vector<json> lines = lines_of(run_folder / fmt::format("{}.metrics.jsonl", stage));
    if (lines.empty()) continue;
    double seconds = 0, highest = 0, losses = 0;
    for (const json& line : lines) {
      seconds += line.value("seconds", 0.0);
      highest = std::max(highest, line.value("lr", 0.0));
    }
    const size_t last = std::min(kLastLosses, lines.size());
    for (size_t i = lines.size() - last; i < lines.size(); ++i) losses += lines[i].at("loss").get<double>();
    text += fmt::format("| {} | {} | {:.1e} | {:.2f} | {:.4f} |\n", stage,
                        lines.back().at("iteration").get<int64_t>() + 1, highest, seconds / 3600,
                        losses / static_cast<double>(last));
    all_hours += seconds / 3600;
  }
  return text + fmt::format("\n{:.1f} hours in all. What each stage does stands in `ziplora/pretrain`.\n",
                            all_hours);
}

std::string course_section(const fs::path& run_folder) {
  const std::vector<json> lines = lines_of(run_folder / "unet.validation.jsonl");
  if (lines.empty()) return "";
  std::vector<std::pair<int, std::string>> levels;
  for (const auto& [timestep, error] : lines.front().at("error").items())
    levels.emplace_back(std::stoi(timestep), timestep);
  std::sort(levels.rbegin(), levels.rend());
  std::string head = "| updates of the UNet |", rule = "|---|", text;
  for (const auto& [order, timestep] : levels) head += fmt::format(" t = {} |", timestep), rule += "---|";
  for (const json& line : lines) {
    text += fmt::format("| {} |", line.at("iteration").get<int64_t>());
    for (const auto& [order, timestep] : levels)
      text += fmt::format(" {:.4f} |", line.at("error").at(timestep).get<double>());
    text += line.contains("frechet_distance")
                ? fmt::format(" {:.3f} |\n", line["frechet_distance"].get<double>())
                : " – |\n";
  }
  return fmt::format(
      "\n## Course\nSquared error of the UNet's prediction and Fréchet distance of its drawings, on {} "
      "unseen "
      "scenes, averaged weights.\n\n{} Fréchet distance |\n{}---|\n{}",
      lines.front().at("scenes").get<int64_t>(), head, rule, text);
}

std::string measured_section(const json& report) {
  const json& parts = report.at("parts");
  std::string text = fmt::format(
      "`ziplora base-report --scenes {}`, by the judge of `{}`. \"Artist\" are the artists' own drawings of "
      "the "
      "same scenes, \"autoencoder\" is what it leaves of them: the most that the UNet can reach.\n\n"
      "| | seen: base | autoencoder | artist | pairs never shown: base | autoencoder | artist |\n"
      "|---|---|---|---|---|---|---|\n",
      report.at("scenes").get<int64_t>(), report.at("judge").get<std::string>());
  const json &seen = report.at("seen"), &pairs = report.at("held_out_pairs");
  for (const auto& [attribute, value] : seen.at("base").items()) {
    text += fmt::format("| {} |", attribute);
    for (const json* split : {&seen, &pairs})
      for (const char* who : {"base", "autoencoder", "artist"})
        text += fmt::format(" {} |", share(split->at(who).at(attribute)));
    text += "\n";
  }
  text += "| Fréchet distance |";
  for (const json* split : {&seen, &pairs})
    text += fmt::format(" {:.3f} | {:.3f} | |", split->at("frechet_distance").at("base").get<double>(),
                        split->at("frechet_distance").at("autoencoder").get<double>());
  text += "\n\n";
  for (const auto& [artist, of] : parts.at("autoencoder").items())
    text += fmt::format(
        "- autoencoder, {} held-out drawings of {}: PSNR {:.1f} dB, mean colour off by {:.1f} %\n",
        of.at("drawings").get<int64_t>(), artist, of.at("psnr_db").get<double>(),
        100 * of.at("colour_error").get<double>());
  text += fmt::format("- own caption the nearest of {}, unseen scenes: {}\n",
                      parts.at("nearest_caption").at("captions").get<int64_t>(),
                      share(parts.at("nearest_caption").at("share")));
  text += fmt::format("- a known style's words move the pooled prompt by {} of it, an invented one's by {}\n",
                      share(parts.at("prompt_moved_by_style").at("known")),
                      share(parts.at("prompt_moved_by_style").at("invented")));
  text += fmt::format("- {:.1f} MB, loaded in {:.2f} s; a picture of 25 steps with guidance in {:.2f} s\n",
                      parts.at("bytes").get<double>() / 1e6, parts.at("load_seconds").get<double>(),
                      parts.at("seconds_per_picture").get<double>());
  return text;
}

std::string limits_section(const json& report) {
  std::string text;
  for (const Goal& goal : kGoals) {
    const json& reached = report.at(goal.split).at("base").at(goal.attribute);
    if (reached.is_null() || reached.get<double>() < goal.share)
      text += fmt::format("- {}, {}: {} of the {:.0f} % aimed at\n", goal.split, goal.attribute,
                          share(reached), 100 * goal.share);
  }
  return text.empty() ? "All goals are reached.\n" : "Goals that are missed:\n\n" + text;
}

}  // namespace

std::string base_card(const fs::path& base, const fs::path& run_folder, const json& report,
                      const fs::path& world) {
  return "# The embedded base\n\n"
         "A miniature SDXL: only the numbers in the configs differ from SDXL's, and diffusers opens the "
         "folder. "
         "`make base` trained it and wrote this card.\n\n" +
         parts_section(base) + "\n## Data, licences\n" + data_section(Catalogue::read(world)) +
         "\n## Recipe\n" + recipe_section(run_folder) + course_section(run_folder) + "\n## Measured\n" +
         measured_section(report) + "\n## Limits\n" + limits_section(report);
}

}  // namespace ziplora::mini
