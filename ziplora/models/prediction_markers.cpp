#include "ziplora/models/prediction_markers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <optional>

#include "ziplora/base/error.h"
#include "ziplora/base/printable.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

/// "V-Prediction " → "vprediction": people spell it in every way.
std::string letters_of(const std::string& text) {
  std::string letters;
  for (const unsigned char c : text)
    if (std::isalnum(c)) letters += static_cast<char>(std::tolower(c));
  return letters;
}

bool is_true(const std::string& text) {
  const std::string value = letters_of(text);
  return value == "true" || value == "1" || value == "yes";
}

/// @return nothing for a text that says nothing
std::optional<bool> says_v(const std::string& text, const std::string& where, const std::string& key) {
  const std::string value = letters_of(text);
  if (value.empty() || value == "none" || value == "null") return std::nullopt;
  if (value == "v" || value == "vpred" || value == "vprediction" || value == "velocity") return true;
  if (value == "e" || value == "eps" || value == "epsilon" || value == "noise") return false;
  throw Error(
      ErrorKind::kIncompatible, where,
      fmt::format("{} is \"{}\"; bases that predict epsilon or v are supported", key, printable(text)),
      "use a base with one of the two; if the entry is wrong, correct the file's metadata");
}

/// One line of a config decides, so no reader of YAML is needed. Comments do not count.
bool yaml_says_v(const fs::path& yaml) {
  constexpr uintmax_t kMostBytes = 1 << 20;
  std::error_code unreadable;
  if (!fs::is_regular_file(yaml, unreadable) || fs::file_size(yaml, unreadable) > kMostBytes) return false;
  std::ifstream input(yaml);
  for (std::string line; std::getline(input, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = letters_of(line.substr(0, colon)), value = letters_of(line.substr(colon + 1));
    if ((key == "parameterization" && value == "v") || value.ends_with("denoiserscalingvscaling"))
      return true;
  }
  return false;
}

struct Statement {
  bool v;
  std::string source;
};

/// In the order in which they count.
std::vector<Statement> statements_on_v(const SafetensorsFile& file) {
  std::vector<Statement> found;
  if (file.contains("v_pred")) found.push_back({true, "the tensor v_pred"});
  for (const char* key : {"modelspec.prediction_type", "modelspec.predict_key", "prediction_type"})
    if (const auto v = says_v(file.metadata_text(key), "load " + file.path().string(), key))
      found.push_back({*v, key});
  for (const char* key : {"ss_v_parameterization", "v_parameterization"})
    if (is_true(file.metadata_text(key))) found.push_back({true, key});
  const fs::path yaml = fs::path(file.path()).replace_extension(".yaml");
  if (yaml_says_v(yaml)) found.push_back({true, yaml.filename().string()});
  return found;
}

}  // namespace

PredictionMarkers prediction_markers(const SafetensorsFile& file) {
  PredictionMarkers said;
  const std::vector<Statement> statements = statements_on_v(file);
  const auto name_of = [](bool v) { return v ? "v-prediction" : "epsilon"; };
  if (!statements.empty()) {
    const Statement& first = statements.front();
    said.v_prediction = first.v;
    if (first.v && !file.contains("v_pred"))
      said.notes.push_back(fmt::format("the base predicts v, as {} says", first.source));
    const auto other = std::ranges::find(statements, !first.v, &Statement::v);
    if (other != statements.end())
      said.notes.push_back(fmt::format("{} says {}, but {} says {}: the base is taken for {}", first.source,
                                       name_of(first.v), other->source, name_of(other->v), name_of(first.v)));
  }
  said.zero_terminal_snr = file.contains("ztsnr");
  for (const char* key : {"ss_zero_terminal_snr", "zero_terminal_snr"})
    if (!said.zero_terminal_snr && is_true(file.metadata_text(key))) {
      said.zero_terminal_snr = true;
      said.notes.push_back(fmt::format("the base's noise schedule ends in pure noise, as {} says", key));
    }
  return said;
}

}  // namespace ziplora
