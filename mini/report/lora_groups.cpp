#include "mini/report/lora_groups.h"

#include <algorithm>

namespace ziplora::mini {

void LoraGroups::add(const std::string& group_name, const JudgedImage& image) {
  Group& group = groups_[group_name];
  group.base.add(image.marks);
  group.base_by_style[image.style].add(image.marks);
  group.artist.add(image.artist_marks);
  group.sheet.row_labels.push_back(image.prompt);
  group.sheet.cells.insert(group.sheet.cells.end(), {image.drawn, image.truth});
}

std::map<std::string, GroupSummary> LoraGroups::summaries() const {
  std::map<std::string, GroupSummary> summaries;
  for (const auto& [name, group] : groups_) {
    GroupSummary& summary = summaries[name];
    summary.base = group.base.means();
    summary.artist = group.artist.means();
    for (const auto& [style, marks] : group.base_by_style) summary.by_style[style] = marks.means();
    summary.images = group.sheet.row_labels.size();
  }
  return summaries;
}

void Overview::show(const std::string& column, int subject, const at::Tensor& image) {
  if (std::ranges::find(columns_, column) == columns_.end()) columns_.push_back(column);
  images_.try_emplace({column, subject}, image);
}

ContactSheet Overview::sheet(const Catalogue& catalogue, const std::vector<int>& subjects) const {
  ContactSheet sheet{.column_labels = columns_, .row_labels = {}, .cells = {}, .cell_pixels = 128};
  for (const int subject : subjects) {
    sheet.row_labels.push_back(catalogue.subjects[subject].words);
    for (const std::string& column : columns_) {
      const auto image = images_.find({column, subject});
      sheet.cells.push_back(image == images_.end() ? at::Tensor() : image->second);
    }
  }
  return sheet;
}

}  // namespace ziplora::mini
