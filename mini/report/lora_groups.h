#pragma once
/// The images of a report on LoRAs by what drew them ("subject alone", "zip" …): their marks for the figures,
/// and sheets for people.
///
///     LoraGroups groups;
///     groups.add("zip", {question, drawn, marker.true_scene(…), marks, artist_marks, "neon"});
///     write_png("zip.png", draw_contact_sheet(groups.sheet("zip")), {});
///     std::map<std::string, GroupSummary> figures = groups.summaries();

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "mini/report/lora_report.h"
#include "mini/report/scene_marks.h"
#include "ziplora/pipeline/contact_sheet.h"

namespace ziplora::mini {

struct JudgedImage {
  std::string prompt;
  std::string style;  ///< id
  at::Tensor drawn, truth;
  Marks marks, artist_marks;
};

class LoraGroups {
 public:
  void add(const std::string& group, const JudgedImage& image);
  std::map<std::string, GroupSummary> summaries() const;
  /// Every image of the group beside its true scene.
  const ContactSheet& sheet(const std::string& group) const { return groups_.at(group).sheet; }

 private:
  struct Group {
    MeanMarks base, artist;
    std::map<std::string, MeanMarks> base_by_style;
    ContactSheet sheet{.column_labels = {"drawn", "true"}, .row_labels = {}, .cells = {}, .cell_pixels = 128};
  };
  std::map<std::string, Group> groups_;
};

/// For people: a row per subject, a column per kind of image.
class Overview {
 public:
  /// The first image of a column and row stays.
  void show(const std::string& column, int subject, const at::Tensor& image);
  ContactSheet sheet(const Catalogue& catalogue, const std::vector<int>& subjects) const;

 private:
  std::vector<std::string> columns_;  // in the order of their first images
  std::map<std::pair<std::string, int>, at::Tensor> images_;
};

}  // namespace ziplora::mini
