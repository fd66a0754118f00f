#include "studio/grid_steps.h"

#include <fmt/format.h>

#include "studio/refusal.h"
#include "studio/single_step.h"

namespace ziplora::studio {
namespace {

using nlohmann::json;

constexpr size_t kMostCells = 400;

struct Axis {
  std::string name;
  json values;
};

Axis axis_of(const json& request, const char* which) {
  const json axis = request.value(which, json());
  if (!axis.is_object() || !axis.value("axis", json()).is_string() ||
      !axis.value("values", json()).is_array() || axis.at("values").empty())
    throw Refusal(400, "usage", fmt::format("grid: {}", which), "the axis has no name or no values",
                  R"(for example {"axis": "seed", "values": [1, 2, 3]})");
  return {axis.at("axis"), axis.at("values")};
}

json as_list(const json& value) { return value.is_array() ? value : json::array({value}); }

/// The number that every adapter of the options gets.
void set_strength(json& options, const json& strength) {
  for (const char* name : {"adapter", "subject", "style"}) {
    if (!options.contains(name)) continue;
    if (options.at(name).is_object()) options.at(name)["strength"] = strength;
    if (!options.at(name).is_array()) continue;
    for (json& one : options.at(name))
      if (one.is_object()) one["strength"] = strength;
  }
}

/// An id, {"adapter": id, …}, or null for the base alone.
void set_file(json& options, const json& file) {
  options.erase("adapter");
  if (!file.is_null()) options["adapter"] = json::array({file.is_object() ? file : json{{"adapter", file}}});
}

bool is_file_axis(const Axis& axis) { return axis.name == "file" || axis.name == "method"; }

void apply(json& options, const Axis& axis, const json& value) {
  if (is_file_axis(axis))
    set_file(options, value);
  else if (axis.name == "strength")
    set_strength(options, value);
  else
    options[axis.name] = axis.name == "prompt" ? as_list(value) : value;
}

/// A strength is one of a file, so the file comes first.
json cell_options(const json& options, const Axis& one, const json& first, const Axis& other,
                  const json& second) {
  json cell = options;
  const bool swap = is_file_axis(other);
  apply(cell, swap ? other : one, swap ? second : first);
  apply(cell, swap ? one : other, swap ? first : second);
  cell["output"] = "cell";
  cell["images"] = 1;
  return cell;
}

}  // namespace

std::vector<JobStep> grid_steps(const JobThings& things, const Program& program, const JobPlan& job) {
  const Axis x = axis_of(job.request, "x"), y = axis_of(job.request, "y");
  if (x.values.size() * y.values.size() > kMostCells)
    throw Refusal(400, "usage", "grid",
                  fmt::format("{} × {} are more than {} cells", x.values.size(), y.values.size(), kMostCells),
                  "leave out some values");
  if (x.name == y.name) throw Refusal(400, "usage", "grid", "both axes are " + x.name, "choose two");
  const json options = job.request.value("options", json::object());
  // Runs go along the axis that is not of prompts; one of prompts is taken whole.
  const bool x_whole = x.name == "prompt", y_whole = !x_whole && y.name == "prompt";
  std::vector<JobStep> steps;
  for (size_t row = 0; row < (y_whole ? 1 : y.values.size()); ++row)
    for (size_t column = 0; column < (x_whole ? 1 : x.values.size()); ++column) {
      json cell = cell_options(options, x, x_whole ? x.values : x.values[column], y,
                               y_whole ? y.values : y.values[row]);
      JobStep step =
          single_step(things, program, "generate", cell, job.folder / fmt::format("cell-{}-{}", row, column));
      const size_t count = x_whole ? x.values.size() : y_whole ? y.values.size() : 1;
      for (size_t i = 0; i < count; ++i)
        step.places.push_back(fmt::format("{},{}", y_whole ? i : row, x_whole ? i : column));
      steps.push_back(std::move(step));
    }
  return steps;
}

}  // namespace ziplora::studio
