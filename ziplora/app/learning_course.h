#pragma once
/// How a merge learned, iteration by iteration, as its report tells (`merge --method zip --report FILE`).
///
///     const LearningCourse course = read_learning_course("zip.json");
///     for (const auto& [name, svg] : figures_of(course)) write_text_file(folder / name, svg);

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ziplora {

struct LearningCourse {
  std::vector<double> iterations;  ///< from 1; of a resumed merge, those after it
  std::vector<double> overlap;     ///< as a fraction of its start
  /// "loss", the whole, and "subject", "style", "joint" …: how far each is from its own predictions.
  std::map<std::string, std::vector<double>> losses;
};

/// @throws Error(kInput) if the file is not such a report; as read_json_file
LearningCourse read_learning_course(const std::filesystem::path& report);

/// "course-loss.svg" and "course-overlap.svg".
std::map<std::string, std::string> figures_of(const LearningCourse& course);

}  // namespace ziplora
