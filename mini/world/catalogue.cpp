#include "mini/world/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini {
namespace {

using nlohmann::json;

constexpr const char* kPublished = "take assets/ as they are in the repository: git checkout -- assets";

json read_published(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorKind::kInput, "world: " + path.string(), "the file is missing", kPublished);
  return read_json_file(path);
}

/// @return index of id, or −1
template <typename T>
int find(const std::vector<T>& things, std::string_view id) {
  for (size_t i = 0; i < things.size(); ++i) {
    if (things[i].id == id) return static_cast<int>(i);
  }
  return -1;
}

/// Levenshtein's distance.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

template <typename T>
int find_or_suggest(const std::vector<T>& things, std::string_view id, const char* what) {
  int index = find(things, id);
  if (index >= 0) return index;
  auto nearest = std::min_element(things.begin(), things.end(),
                                  [&](const T& a, const T& b) { return edits(a.id, id) < edits(b.id, id); });
  std::string hint = nearest == things.end() ? "" : fmt::format("did you mean '{}'?", nearest->id);
  throw Error(ErrorKind::kUsage, "world", fmt::format("there is no {} '{}'", what, id), hint);
}

Purpose purpose_of(const std::string& name) {
  static const std::map<std::string, Purpose> kPurposes = {
      {"seen", Purpose::kTraining}, {"development", Purpose::kDevelopment}, {"report", Purpose::kReport}};
  return kPurposes.at(name);
}

Background::Kind kind_of(const std::string& name) {
  static const std::map<std::string, Background::Kind> kKinds = {{"plain", Background::Kind::kPlain},
                                                                 {"gradient", Background::Kind::kGradient},
                                                                 {"night", Background::Kind::kNight},
                                                                 {"horizon", Background::Kind::kHorizon}};
  return kKinds.at(name);
}

std::array<float, 3> rgb_of(const json& bytes) {
  std::array<float, 3> rgb;
  for (size_t channel = 0; channel < 3; ++channel) rgb[channel] = bytes.at(channel).get<float>() / 255.0f;
  return rgb;
}

void read_subjects(const json& file, Catalogue& catalogue) {
  catalogue.packages = file.at("packages").get<std::vector<std::string>>();
  for (const json& entry : file.at("subjects")) {
    Subject subject;
    subject.id = entry.at("id"), subject.words = entry.at("words"), subject.plural = entry.at("plural");
    subject.article = entry.at("article"), subject.category = entry.at("category");
    for (const std::string& package : catalogue.packages)
      subject.icons.push_back(entry.at("icons").value(package, ""));
    catalogue.subjects.push_back(std::move(subject));
  }
}

void read_styles(const json& file, Catalogue& catalogue) {
  for (const json& entry : file.at("styles")) {
    Style style;
    style.id = entry.at("id"), style.phrases = entry.at("phrases").get<std::vector<std::string>>();
    style.filter = entry.value("filter", ""), style.purpose = purpose_of(entry.at("role"));
    style.keeps_background = entry.value("keeps_background", true), style.ink = entry.value("ink", false);
    std::string package = entry.at("package");
    auto found = std::find(catalogue.packages.begin(), catalogue.packages.end(), package);
    if (found == catalogue.packages.end()) {
      throw Error(ErrorKind::kInput, "world: styles.json",
                  fmt::format("'{}': unknown package '{}'", style.id, package), kPublished);
    }
    style.package = static_cast<int>(found - catalogue.packages.begin());
    catalogue.styles.push_back(std::move(style));
  }
}

void read_backgrounds(const json& file, Catalogue& catalogue) {
  for (const json& entry : file.at("backgrounds")) {
    Background background;
    background.id = entry.at("id"), background.phrases = entry.at("phrases").get<std::vector<std::string>>();
    background.kind = kind_of(entry.at("kind"));
    for (const json& colour : entry.at("colours")) background.colours.push_back(rgb_of(colour));
    size_t expected = background.kind == Background::Kind::kPlain ? 1 : 2;
    if (background.colours.size() != expected) {
      throw Error(ErrorKind::kInput, "world: backgrounds.json",
                  fmt::format("'{}' has {} colours, its kind needs {}", background.id,
                              background.colours.size(), expected),
                  kPublished);
    }
    catalogue.backgrounds.push_back(std::move(background));
  }
}

void read_palettes(const json& file, Catalogue& catalogue) {
  std::vector<NamedColour> colours;
  for (const json& entry : file.at("colours")) colours.push_back({entry.at("word"), rgb_of(entry.at("rgb"))});
  catalogue.palettes =
      palettes_of(colours, file.at("held_out").get<std::vector<std::pair<std::string, std::string>>>());
}

void read_held_out(const json& file, Catalogue& catalogue) {
  for (const char* role : {"development", "report"}) {
    for (const std::string& id : file.at(role).get<std::vector<std::string>>()) {
      catalogue.subjects[catalogue.subject(id)].purpose = purpose_of(role);
    }
  }
  for (const json& pair : file.at("pairs")) {
    int subject = catalogue.subject(pair.at(0).get<std::string>()),
        style = catalogue.style(pair.at(1).get<std::string>());
    catalogue.held_out_pairs.emplace(subject, style);
  }
}

/// @param add  of the file's content
void read_into(Catalogue& catalogue, const std::filesystem::path& path,
               void (*add)(const json&, Catalogue&)) {
  try {
    add(read_published(path), catalogue);
  } catch (const json::exception& problem) {
    throw Error(ErrorKind::kInput, "world: " + path.string(), problem.what(), kPublished);
  } catch (const std::out_of_range&) {
    throw Error(ErrorKind::kInput, "world: " + path.string(), "an entry has an unknown role or kind",
                kPublished);
  }
}

}  // namespace

Catalogue Catalogue::read(const std::filesystem::path& assets_dir) {
  Catalogue catalogue;
  const auto read = [&](const char* name, void (*add)(const json&, Catalogue&)) {
    read_into(catalogue, assets_dir / name, add);
  };
  read("subjects.json", read_subjects);
  read("styles.json", read_styles);
  read("backgrounds.json", read_backgrounds);
  read("palettes.json", read_palettes);
  read("held_out.json", read_held_out);
  return catalogue;
}

void Catalogue::add_held_out_styles(const std::filesystem::path& file) {
  const size_t known = styles.size();
  read_into(*this, file, read_styles);
  for (size_t i = known; i < styles.size(); ++i) {
    const std::string& id = styles[i].id;
    const char* problem = find(styles, id) < static_cast<int>(i)    ? "another style has this id"
                          : styles[i].purpose == Purpose::kTraining ? "its role is \"seen\""
                                                                    : nullptr;
    if (problem)
      throw Error(ErrorKind::kInput, "world: " + file.string(), fmt::format("'{}': {}", id, problem),
                  kPublished);
  }
}

int Catalogue::subject(std::string_view id) const { return find_or_suggest(subjects, id, "subject"); }
int Catalogue::style(std::string_view id) const { return find_or_suggest(styles, id, "style"); }
int Catalogue::background(std::string_view id) const {
  return find_or_suggest(backgrounds, id, "background");
}

std::vector<std::string> Catalogue::categories() const {
  std::set<std::string> names;
  for (const Subject& subject : subjects) names.insert(subject.category);
  return {names.begin(), names.end()};
}

}  // namespace ziplora::mini
