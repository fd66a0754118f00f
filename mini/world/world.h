#pragma once
/// The world of the miniature: about 380 subjects drawn by nine artists, laid out as captioned scenes. This
/// is the one header that pretraining, the judges and the demo need.
///
///     // once: mini/tools/world_packages.sh, then half a minute
///     World::prepare("mini/assets", ".cache/world", progress, cancel);
///     World world("mini/assets", ".cache/world", 64);
///     Scene scene = world.sample(17, Split::kTrain);  // [3, 64, 64] in 0…1, "a fox at night, in noto style"
///
/// A scene is a function of (index, split, size) and of the files in mini/assets. There is no state and no
/// global seed, so any number of threads may call at once, and a resumed training continues where it stopped.
/// Nothing that mini/assets/held_out.json names (subjects, subject × style pairs) and no style that
/// styles.json holds out is ever sampled in kTrain or kValidation; evaluation asks for it by name
/// (`evaluation_…`, Split::kHeldOutPairs, Split::kJudge). Tokenizing, scaling to −1…1 and augmentation belong
/// to training.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mini/world/catalogue.h"
#include "mini/world/scene.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

enum class Split {
  /// Seen subjects × seen styles, without the held-out pairs; a third of the scenes in palettes.
  kTrain,
  /// The same distribution without palettes; scenes that kTrain does not draw.
  kValidation,
  /// Only the held-out pairs, whose halves are seen but never together: for judging combination.
  kHeldOutPairs,
  /// kTrain's subjects and styles with the held-out pairs, which a judge of them must have seen; never for a
  /// part of the base.
  kJudge,
};

struct Scene {
  at::Tensor image;      ///< [3, S, S] float32 in 0…1
  std::string caption;   ///< "a fox next to a tree at night, in twemoji style"
  SceneContent content;  ///< what is in it, as labels for a judge; indices into catalogue()
};

struct SceneBatch {
  at::Tensor images;  ///< [N, 3, S, S] float32 in 0…1
  std::vector<std::string> captions;
  std::vector<SceneContent> contents;
};

class World {
 public:
  /// Renders the drawings into cache_dir, from the packages in cache_dir/node_modules, unless they are there.
  /// @throws Error(kInput) if a package is missing, with the command that installs it; Error(kInterrupted)
  ///         with nothing written
  static void prepare(const std::filesystem::path& assets_dir, const std::filesystem::path& cache_dir,
                      ProgressSink& progress, const CancelToken& cancel);

  /// @param assets_dir  the folder with subjects.json, styles.json, backgrounds.json, palettes.json and
  ///                    held_out.json
  /// @param cache_dir   the folder that `prepare` filled
  /// @param size        pixels of a side, 16…128
  /// @throws Error(kInput) if a file is missing or does not fit the others, with the command that makes it
  World(const std::filesystem::path& assets_dir, const std::filesystem::path& cache_dir, int size = 64);
  /// Of a catalogue with styles of the caller's own.
  World(Catalogue catalogue, const std::filesystem::path& cache_dir, int size = 64);
  ~World();
  World(World&&) noexcept;

  int size() const;
  const Catalogue& catalogue() const;

  Scene sample(uint64_t index, Split split) const;
  /// Scenes first_index … first_index + count − 1, the same as `sample` gives one by one, in one tensor.
  SceneBatch sample_batch(uint64_t first_index, int64_t count, Split split) const;

  /// The caption and content of `sample` without painting; the image stays undefined.
  Scene describe(uint64_t index, Split split) const;

  /// The (subject, style) pairs that a split may show. @return sorted
  std::vector<std::pair<int, int>> pairs(Split split) const;
  /// True where the style's artist drew the subject (computed styles follow the artist they start from).
  bool has_drawing(int subject, int style) const;

  /// The artist's drawing alone, centred on white: what a seen prompt's image is compared with.
  /// @return [3, S, S] float32 in 0…1
  /// @throws Error(kUsage) if the subject, the style or the pair is held out; Error(kInput) if there is no
  ///         such drawing
  at::Tensor drawing(int subject, int style) const;
  /// The same without the held-out check: the true image of a held-out subject or style. Never for training.
  at::Tensor evaluation_drawing(int subject, int style) const;
  /// One drawing on its background, always large and in the middle, shades and stars always the same: what an image of
  /// such a prompt is compared with. No held-out check.
  at::Tensor true_scene(const SceneContent& content) const;
  /// Paints any content, with position, size and shades from the seed. No held-out check: for evaluation, and
  /// for the user's images in the demo.
  at::Tensor evaluation_scene(const SceneContent& content, uint64_t seed) const;

  /// One plain wording, as evaluation asks: "a fox next to a tree at night, in twemoji style". A
  /// content.style of −1 leaves the style out.
  /// @param subject_name, style_name  if not empty, replace the subject's and the style's own words:
  ///                                  caption(content, "a sks animal", "szn style")
  std::string caption(const SceneContent& content, std::string_view subject_name = "",
                      std::string_view style_name = "") const;

  /// Every word that a caption can contain, with held-out words and candidates for trigger tokens: a
  /// tokenizer's corpus.
  std::vector<std::string> vocabulary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ziplora::mini
