#include "cli/evaluation_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "cli/aligned_cells.h"

namespace ziplora::cli {
namespace {

/// "0.612 [0.571, 0.650]", "62 % [51, 71]".
std::string text_of(const Interval& interval, bool is_share) {
  return is_share ? fmt::format("{:.0f} % [{:.0f}, {:.0f}]", 100 * interval.value, 100 * interval.low,
                                100 * interval.high)
                  : fmt::format("{:.3f} [{:.3f}, {:.3f}]", interval.value, interval.low, interval.high);
}

std::string rows_of(const Table& table, const Evaluation& evaluation) {
  std::vector<MetricEntry> shown;
  for (const MetricEntry& entry : metrics())
    if (std::ranges::any_of(table.rows,
                            [&](const TableRow& row) { return row.means.contains(entry.metric); }))
      shown.push_back(entry);
  Cells cells = {{"contender"}};
  for (const MetricEntry& entry : shown) cells[0].push_back(entry.heading);
  cells[0].insert(cells[0].end(), {"harmonic mean", "behind the frontier"});
  for (const TableRow& row : table.rows) {
    std::vector<std::string>& line = cells.emplace_back();
    line.push_back(evaluation.contenders[row.contender].name);
    for (const MetricEntry& entry : shown) {
      const auto mean = row.means.find(entry.metric);
      line.push_back(mean == row.means.end() ? "–" : text_of(mean->second, entry.is_share));
    }
    const bool told = row.means.contains(Metric::kSubjectTold) && row.means.contains(Metric::kStyleTold);
    line.push_back(row.harmonic ? text_of(*row.harmonic, told) : "–");
    line.push_back(!row.behind ? "–"
                   : told      ? fmt::format("{:.0f} %", 100 * row.behind->by)
                               : fmt::format("{:.3f}", row.behind->by));
  }
  return aligned_cells(cells);
}

std::string comparisons_of(const Table& table, const Evaluation& evaluation) {
  Cells cells = {{"difference, on the same pairs", "of", "", "p, by Holm"}};
  for (const Comparison& comparison : table.comparisons) {
    const Interval& difference = comparison.difference.difference;
    cells.push_back(
        {fmt::format("{} − {}", evaluation.contenders[comparison.first].name,
                     evaluation.contenders[comparison.second].name),
         comparison.of,
         fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", difference.value, difference.low, difference.high),
         fmt::format("{:.3f}", comparison.adjusted_p)});
  }
  return cells.size() == 1 ? "" : aligned_cells(cells);
}

/// "Not as in K-LoRA, arXiv 2502.18461: 18 pairs in the paper, 12 here"
std::string protocol_line(const FollowedProtocol& followed) {
  if (followed.differences.empty()) return fmt::format("As in {}.", followed.protocol->source);
  return fmt::format("Not as in {}: {}.", followed.protocol->source, fmt::join(followed.differences, "; "));
}

}  // namespace

std::string evaluation_table(const EvaluateResult& result) {
  if (result.tables.empty() && !result.missing.empty()) return "no pair is complete";
  if (result.tables.empty()) return fmt::format("{} merges and {} images made", result.merged, result.drawn);
  std::vector<std::string> names;
  for (const std::filesystem::path& file : result.files) names.push_back(file.string());
  std::string text;
  for (const Table& table : result.tables) {
    text += fmt::format("{}{}{} pair{}, judged by {}; mean [95 % interval over pairs]\n",
                        text.empty() ? "" : "\n", table.group.empty() ? "" : table.group + ": ", table.pairs,
                        table.pairs == 1 ? "" : "s", result.evaluation.judges[table.judge]);
    text += rows_of(table, result.evaluation);
    if (const std::string comparisons = comparisons_of(table, result.evaluation); !comparisons.empty())
      text += "\n" + comparisons;
  }
  if (!text.empty()) text += "\n";
  if (result.protocol) text += protocol_line(*result.protocol) + "\n";
  return text + fmt::format("{}", fmt::join(names, "\n"));
}

}  // namespace ziplora::cli
