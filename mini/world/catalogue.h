#pragma once
/// What the world consists of, read from mini/assets/*.json: subjects, styles, backgrounds, and what is held
/// out.
///
///     Catalogue catalogue = Catalogue::read("mini/assets");
///     int fox = catalogue.subject("fox"), noto = catalogue.style("noto");
///     catalogue.subjects[fox].words;   // "fox"
///
/// The order is that of the files and never changes between runs: an index is a label for a judge. The
/// drawings are in drawing_set.h, the captions in captions.h.

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mini/world/palette.h"

namespace ziplora::mini {

/// What a subject or a style serves ("role" in the files).
enum class Purpose {
  kTraining,     ///< seen: the base, the autoencoder and the judges learn it
  kDevelopment,  ///< held out; recipes are tuned on it
  kReport,       ///< held out; reported figures are measured on it
};

struct Subject {
  std::string id;        ///< the caption words with hyphens: "red-apple"
  std::string words;     ///< "red apple"
  std::string plural;    ///< "red apples"; empty if nobody can ask for two of them
  std::string article;   ///< "a" or "an"
  std::string category;  ///< "animal", "food", "vehicle", …
  Purpose purpose = Purpose::kTraining;
  std::vector<std::string> icons;  ///< icon name per Catalogue::packages; empty if that artist drew none
};

struct Style {
  std::string id;                    ///< "twemoji", "blueprint"
  std::vector<std::string> phrases;  ///< what captions may call it; the first is the plain one
  /// Index into Catalogue::packages: the artist; for a computed style, the one whose drawings it filters.
  int package = 0;
  std::string filter;            ///< name in filters.h, or empty
  bool keeps_background = true;  ///< false: coloured backgrounds cannot be told apart in this style
  bool ink = false;              ///< one colour only: drawn in white on dark backgrounds
  Purpose purpose = Purpose::kTraining;
};

struct Background {
  enum class Kind { kPlain, kGradient, kNight, kHorizon };
  std::string id;                    ///< "white", "night", "blue"
  std::vector<std::string> phrases;  ///< "at night", "under a night sky"; none for plain white
  Kind kind = Kind::kPlain;
  std::vector<std::array<float, 3>> colours;  ///< RGB 0…1: one if plain, else top and bottom
};

struct Catalogue {
  std::vector<std::string> packages;  ///< names under @iconify-json/
  std::vector<Subject> subjects;
  std::vector<Style> styles;
  std::vector<Background> backgrounds;           ///< the first is plain white
  std::vector<Palette> palettes;                 ///< for training only
  std::set<std::pair<int, int>> held_out_pairs;  ///< (subject, style): each is seen, but not together

  /// @throws Error(kInput) if a file is missing, malformed or names something unknown
  static Catalogue read(const std::filesystem::path& assets_dir);
  /// Appends held-out styles from a file like styles.json. A judge's labels count the styles of styles.json, so what
  /// came after it was trained goes into a file of its own.
  /// @throws Error(kInput) as read, and if a style's id is taken or its role is "seen"
  void add_held_out_styles(const std::filesystem::path& file);

  /// @throws Error(kUsage) for an unknown id, with the nearest known one
  int subject(std::string_view id) const;
  int style(std::string_view id) const;
  int background(std::string_view id) const;

  std::vector<std::string> categories() const;  ///< sorted, each once
};

}  // namespace ziplora::mini
