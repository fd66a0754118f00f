#include "ziplora/evaluate/evaluation.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

namespace ziplora {
namespace {

using Values = std::vector<double>;

/// One contender's scores by pair, and two of them that make the harmonic mean.
struct Scored {
  std::map<Metric, Values> by_pair;
  const Values *subject = nullptr, *style = nullptr;
};

double mean(const Values& values, std::span<const size_t> units) {
  double sum = 0;
  for (const size_t unit : units) sum += values[unit];
  return sum / static_cast<double>(units.size());
}

/// The pairs of a group that are merged; an empty name takes all.
std::vector<size_t> pairs_of(const Manifest& manifest, const std::string& group) {
  std::vector<size_t> pairs;
  for (size_t pair = 0; pair < manifest.pairs.size(); ++pair)
    if (!manifest.is_candidate(manifest.pairs[pair]) &&
        (group.empty() || manifest.pairs[pair].group == group))
      pairs.push_back(pair);
  return pairs;
}

/// "" for all, then each group in the order in which the manifest names them, if there are several.
std::vector<std::string> groups_of(const Manifest& manifest) {
  std::vector<std::string> groups = {""};
  for (const size_t pair : pairs_of(manifest, "")) {
    const std::string& group = manifest.pairs[pair].group;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  if (groups.size() == 2) groups.pop_back();
  return groups;
}

/// Sums and counts, so that one pass over the images serves.
using Sums = std::map<Metric, std::pair<double, int64_t>>;

class TableMaker {
 public:
  TableMaker(const Evaluation& evaluation, size_t judge, uint64_t seed)
      : evaluation_(evaluation), judge_(judge), seed_(seed) {
    for (const EvaluatedImage& image : evaluation.images)
      for (const auto& [metric, value] : image.scores[judge]) {
        auto& [sum, count] = sums_[{image.contender, image.pair}][metric];
        sum += value, ++count;
      }
  }

  Table make(const std::string& group) {
    const std::vector<size_t> pairs = pairs_of(evaluation_.manifest, group);
    Table table{group, judge_, pairs.size(), {}, {}};
    std::vector<Scored> scored(evaluation_.contenders.size());
    for (size_t contender = 0; contender < scored.size(); ++contender) {
      scored[contender] = scores_of(contender, pairs);
      table.rows.push_back(row_of(contender, scored[contender], pairs.size()));
    }
    find_frontier(scored, table);
    compare(scored, table);
    return table;
  }

 private:
  Scored scores_of(size_t contender, const std::vector<size_t>& pairs) const {
    Scored scored;
    for (const MetricEntry& entry : metrics()) {
      Values values;
      for (const size_t pair : pairs) {
        const auto sums = sums_.find({contender, pair});
        if (sums == sums_.end()) break;
        const auto sum = sums->second.find(entry.metric);
        if (sum == sums->second.end()) break;
        values.push_back(sum->second.first / static_cast<double>(sum->second.second));
      }
      if (values.size() == pairs.size()) scored.by_pair[entry.metric] = std::move(values);
    }
    for (const auto& [subject, style] :
         {std::pair(Metric::kSubjectTold, Metric::kStyleTold), std::pair(Metric::kSubject, Metric::kStyle)})
      if (!scored.subject && scored.by_pair.count(subject) && scored.by_pair.count(style))
        scored.subject = &scored.by_pair.at(subject), scored.style = &scored.by_pair.at(style);
    return scored;
  }

  TableRow row_of(size_t contender, const Scored& scored, size_t pairs) const {
    TableRow row{contender, {}, {}};
    for (const auto& [metric, values] : scored.by_pair) row.means[metric] = bootstrap_mean(values, seed_);
    if (scored.subject)
      row.harmonic = bootstrap(
          pairs,
          [&](std::span<const size_t> units) {
            return harmonic_mean(mean(*scored.subject, units), mean(*scored.style, units));
          },
          seed_);
    return row;
  }

  void find_frontier(const std::vector<Scored>& scored, Table& table) const {
    std::vector<size_t> every(table.pairs);
    std::iota(every.begin(), every.end(), size_t{0});
    std::vector<size_t> contenders;
    std::vector<AxesPoint> points;
    for (size_t contender = 0; contender < scored.size(); ++contender) {
      if (evaluation_.contenders[contender].is_bound() || !scored[contender].subject) continue;
      contenders.push_back(contender);
      points.push_back({mean(*scored[contender].subject, every), mean(*scored[contender].style, every)});
    }
    const std::vector<Behind> found = behind_frontier(points);
    for (size_t i = 0; i < found.size(); ++i) {
      table.rows[contenders[i]].behind = found[i];
      if (found[i].leads) table.rows[contenders[i]].behind->leads = contenders[*found[i].leads];
    }
  }

  /// What the table leads with.
  static double lead(const TableRow& row) {
    const auto likeness = row.means.find(Metric::kLikeness);
    if (likeness != row.means.end()) return likeness->second.value;
    return row.harmonic ? row.harmonic->value : 0;
  }

  /// The best of the rows that add the LoRAs, and the first that is zip.
  std::vector<size_t> rivals(const Table& table) const {
    std::optional<size_t> direct, zip;
    for (const TableRow& row : table.rows) {
      const std::string& by = evaluation_.contenders[row.contender].by;
      if (by == "direct" && (!direct || lead(row) > lead(table.rows[*direct]))) direct = row.contender;
      if (by == "zip" && !zip) zip = row.contender;
    }
    std::vector<size_t> found;
    for (const auto& rival : {direct, zip})
      if (rival) found.push_back(*rival);
    return found;
  }

  void compare(const std::vector<Scored>& scored, Table& table) const {
    for (const size_t rival : rivals(table))
      for (const TableRow& row : table.rows)
        if (row.contender != rival && !evaluation_.contenders[row.contender].is_bound())
          compare_two(row.contender, rival, scored, table);
    Values p;
    for (const Comparison& comparison : table.comparisons) p.push_back(comparison.difference.p);
    const Values adjusted = holm(p);
    for (size_t i = 0; i < adjusted.size(); ++i) table.comparisons[i].adjusted_p = adjusted[i];
  }

  void compare_two(size_t first, size_t second, const std::vector<Scored>& scored, Table& table) const {
    const Scored &a = scored[first], &b = scored[second];
    const auto likeness_a = a.by_pair.find(Metric::kLikeness), likeness_b = b.by_pair.find(Metric::kLikeness);
    if (likeness_a != a.by_pair.end() && likeness_b != b.by_pair.end())
      table.comparisons.push_back(
          {first, second, "likeness", paired_difference(likeness_a->second, likeness_b->second, seed_), 1});
    if (!a.subject || !b.subject) return;
    table.comparisons.push_back({first, second, "harmonic mean",
                                 paired_difference(table.pairs, harmonic_difference(a, b), seed_), 1});
  }

  static DifferenceOfStatistics harmonic_difference(const Scored& a, const Scored& b) {
    return [&a, &b](std::span<const size_t> units, const std::vector<bool>& swapped) {
      double subject[2] = {0, 0}, style[2] = {0, 0};
      for (size_t i = 0; i < units.size(); ++i) {
        const Scored &one = swapped[i] ? b : a, &other = swapped[i] ? a : b;
        subject[0] += (*one.subject)[units[i]], subject[1] += (*other.subject)[units[i]];
        style[0] += (*one.style)[units[i]], style[1] += (*other.style)[units[i]];
      }
      const auto n = static_cast<double>(units.size());
      return harmonic_mean(subject[0] / n, style[0] / n) - harmonic_mean(subject[1] / n, style[1] / n);
    };
  }

  const Evaluation& evaluation_;
  size_t judge_;
  uint64_t seed_;
  std::map<std::pair<size_t, size_t>, Sums> sums_;  // by contender and pair
};

}  // namespace

std::vector<Table> tables_of(const Evaluation& evaluation, uint64_t seed) {
  std::vector<Table> tables;
  const std::vector<std::string> groups = groups_of(evaluation.manifest);
  for (size_t judge = 0; judge < evaluation.judges.size(); ++judge) {
    TableMaker maker(evaluation, judge, seed);
    for (const std::string& group : groups) tables.push_back(maker.make(group));
  }
  return tables;
}

}  // namespace ziplora
