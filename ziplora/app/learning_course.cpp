#include "ziplora/app/learning_course.h"

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/plot/line_chart.h"

namespace ziplora {
namespace {

constexpr const char *kLoss = "loss", *kOf = "loss_";

Axis iteration_axis(const LearningCourse& course) {
  return {.label = "iteration", .low = course.iterations.front(), .high = course.iterations.back()};
}

std::string loss_figure(const LearningCourse& course) {
  LineChart chart{
      .title = "Losses while the merge learned", .x = iteration_axis(course), .y = {}, .series = {}};
  std::vector<double> all;
  for (const auto& [name, values] : course.losses) {
    chart.series.push_back({.name = name == kLoss ? "loss, the whole" : "fidelity to the " + name + "'s own",
                            .x = course.iterations,
                            .y = values,
                            .style = name == kLoss ? LineStyle::kDashed : LineStyle::kSolid,
                            .colour = chart.series.size()});
    all.insert(all.end(), values.begin(), values.end());
  }
  chart.y = axis_for("loss", all, /*with_zero=*/true);
  return svg_of(chart);
}

std::string overlap_figure(const LearningCourse& course) {
  return svg_of(
      LineChart{.title = "Overlap of the coefficients while the merge learned",
                .x = iteration_axis(course),
                .y = axis_for("share of the overlap at the start", course.overlap, /*with_zero=*/true),
                .series = {{.name = "overlap", .x = course.iterations, .y = course.overlap}}});
}

}  // namespace

LearningCourse read_learning_course(const std::filesystem::path& report) {
  const auto json = read_json_file(report);
  LearningCourse course;
  try {
    for (const auto& row : json.at("history")) {
      course.iterations.push_back(row.at("iteration"));
      course.overlap.push_back(row.at("overlap"));
      for (const auto& [key, value] : row.items())
        if (key == kLoss || key.starts_with(kOf))
          course.losses[key == kLoss ? key : key.substr(std::string(kOf).size())].push_back(value);
    }
  } catch (const nlohmann::json::exception&) {
    course.iterations.clear();
  }
  const auto is_whole = [&](const auto& loss) { return loss.second.size() == course.iterations.size(); };
  if (course.iterations.empty() || !std::ranges::all_of(course.losses, is_whole))
    throw Error(ErrorKind::kInput, "analyze: " + report.string(),
                "the file is no report of a merge that learned: it has no iterations",
                "ziplora merge --method zip … --report zip.json writes one");
  return course;
}

std::map<std::string, std::string> figures_of(const LearningCourse& course) {
  return {{"course-loss.svg", loss_figure(course)}, {"course-overlap.svg", overlap_figure(course)}};
}

}  // namespace ziplora
