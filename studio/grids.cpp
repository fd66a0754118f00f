#include "studio/grids.h"

#include <fmt/format.h>

#include "studio/refusal.h"
#include "studio/studio.h"
#include "ziplora/base/parse_number.h"

namespace ziplora::studio {
namespace {

using nlohmann::json;

/// Labels that the page gave, else the values as texts.
json with_labels(Studio& studio, json axis) {
  if (axis.contains("labels")) return axis;
  axis["labels"] = json::array();
  for (const json& value : axis.at("values")) {
    const json id = value.is_object() ? value.value("adapter", json()) : value;
    const bool is_file = axis.at("axis") == "file" || axis.at("axis") == "method";
    std::string label = value.is_string() ? value.get<std::string>() : value.dump();
    if (is_file && value.is_null()) label = "base";
    if (is_file && id.is_number_integer())
      if (const auto row = studio.database.row("SELECT name FROM adapters WHERE id = ?", {id}))
        label = row->at("name");
    axis["labels"].push_back(label);
  }
  return axis;
}

json shown(Studio& studio, const json& row) {
  const json request = json_column(row, "request");
  const json x = with_labels(studio, request.at("x")), y = with_labels(studio, request.at("y"));
  const size_t columns = x.at("values").size(), rows = y.at("values").size();
  json cells = json::array_t(rows, json::array_t(columns));
  for (const json& image :
       studio.database.rows("SELECT id, place FROM images WHERE job = ?", {row.at("id")})) {
    if (!image.at("place").is_string()) continue;
    const std::string place = image.at("place");
    const size_t comma = place.find(',');
    const auto at_row = parse_number<size_t>(place.substr(0, comma)),
               at_column = parse_number<size_t>(place.substr(comma + 1));
    if (at_row && at_column && *at_row < rows && *at_column < columns)
      cells[*at_row][*at_column] = image.at("id");
  }
  return {{"id", row.at("id")}, {"job", row.at("id")}, {"title", row.at("title")}, {"x", x}, {"y", y},
          {"cells", cells}};
}

}  // namespace

json list_grids(Studio& studio) {
  json all = json::array();
  for (const json& row : studio.database.rows("SELECT * FROM jobs WHERE verb = 'grid' ORDER BY id DESC", {}))
    all.push_back(shown(studio, row));
  return all;
}

json grid(Studio& studio, int64_t job) {
  if (const auto row = studio.database.row("SELECT * FROM jobs WHERE verb = 'grid' AND id = ?", {job}))
    return shown(studio, *row);
  throw no_such("grid", std::to_string(job));
}

}  // namespace ziplora::studio
