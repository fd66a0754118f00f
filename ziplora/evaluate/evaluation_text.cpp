#include "ziplora/evaluate/evaluation_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ziplora {
namespace {

using nlohmann::json;

json to_json(const Interval& interval) {
  return {{"mean", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

json to_json(const TableRow& row, const Evaluation& evaluation) {
  json object = {{"contender", evaluation.contenders[row.contender].name}};
  for (const MetricEntry& entry : metrics())
    if (const auto mean = row.means.find(entry.metric); mean != row.means.end())
      object[entry.name] = to_json(mean->second);
  if (row.harmonic) object["harmonic_mean"] = to_json(*row.harmonic);
  if (row.behind) object["behind_frontier"] = row.behind->by;
  if (row.behind && row.behind->leads) object["led_by"] = evaluation.contenders[*row.behind->leads].name;
  return object;
}

json to_json(const Comparison& comparison, const Evaluation& evaluation) {
  return {{"first", evaluation.contenders[comparison.first].name},
          {"second", evaluation.contenders[comparison.second].name},
          {"of", comparison.of},
          {"difference", to_json(comparison.difference.difference)},
          {"p", comparison.difference.p},
          {"adjusted_p", comparison.adjusted_p}};
}

json to_json(const Table& table, const Evaluation& evaluation) {
  json object = {{"group", table.group},
                 {"judge", evaluation.judges[table.judge]},
                 {"pairs", table.pairs},
                 {"rows", json::array()},
                 {"comparisons", json::array()}};
  for (const TableRow& row : table.rows) object["rows"].push_back(to_json(row, evaluation));
  for (const Comparison& comparison : table.comparisons)
    object["comparisons"].push_back(to_json(comparison, evaluation));
  return object;
}

/// Seconds of a contender's merges, and how far its coefficients moved: means over the pairs.
json costs_of(size_t contender, const Evaluation& evaluation) {
  double seconds = 0, movement = 0;
  size_t merges = 0, moved = 0;
  for (const MergeCost& cost : evaluation.merges) {
    if (cost.contender != contender) continue;
    seconds += cost.seconds, ++merges;
    if (cost.movement) movement += *cost.movement, ++moved;
  }
  json costs = json::object();
  if (merges) costs["merge_seconds"] = seconds / static_cast<double>(merges);
  if (moved) costs["mean_movement"] = movement / static_cast<double>(moved);
  if (const auto drawing = evaluation.seconds_per_image.find(contender);
      drawing != evaluation.seconds_per_image.end())
    costs["seconds_per_image"] = drawing->second;
  return costs;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string escaped;
  for (const char c : text) escaped += c == '"' ? std::string("\"\"") : std::string(1, c);
  return '"' + escaped + '"';
}

}  // namespace

json to_json(const Evaluation& evaluation, const std::vector<Table>& tables) {
  json object = {{"judges", evaluation.judges},        {"prompts", evaluation.manifest.prompts},
                 {"seeds", evaluation.manifest.seeds}, {"images", evaluation.images.size()},
                 {"contenders", json::array()},        {"tables", json::array()}};
  for (size_t i = 0; i < evaluation.contenders.size(); ++i) {
    json contender = ziplora::to_json(evaluation.contenders[i]);
    contender.update(costs_of(i, evaluation));
    object["contenders"].push_back(std::move(contender));
  }
  for (const Table& table : tables) object["tables"].push_back(to_json(table, evaluation));
  return object;
}

std::string images_csv(const Evaluation& evaluation, const std::filesystem::path& folder) {
  std::string text = "contender,group,subject,style,prompt,seed,judge";
  for (const MetricEntry& entry : metrics()) text += fmt::format(",{}", entry.name);
  text += ",file\r\n";
  const Manifest& manifest = evaluation.manifest;
  for (const EvaluatedImage& image : evaluation.images)
    for (size_t judge = 0; judge < image.scores.size(); ++judge) {
      const Manifest::Pair& pair = manifest.pairs[image.pair];
      std::vector<std::string> fields = {evaluation.contenders[image.contender].name,
                                         pair.group,
                                         manifest.subjects[pair.subject].name,
                                         manifest.styles[pair.style].name,
                                         manifest.prompt_of(pair, image.prompt),
                                         std::to_string(image.seed),
                                         evaluation.judges[judge]};
      for (const MetricEntry& entry : metrics()) {
        const auto score = image.scores[judge].find(entry.metric);
        fields.push_back(score == image.scores[judge].end() ? "" : fmt::format("{:.6g}", score->second));
      }
      fields.push_back(image.file.lexically_relative(folder).string());
      std::ranges::transform(fields, fields.begin(), quoted);
      text += fmt::format("{}\r\n", fmt::join(fields, ","));
    }
  return text;
}

}  // namespace ziplora
