#pragma once
/// All drawings of the catalogue as pixels, rendered once and then mapped from a file.
///
///     prepare_drawings(catalogue, ".cache/world/node_modules", ".cache/world/drawings-128.safetensors", 128,
///                      progress, cancel);
///     DrawingSet drawings(".cache/world/drawings-128.safetensors", catalogue);
///     const uint8_t* fox = drawings.pixels(subject, package);   // [size, size, 4], premultiplied RGBA
///
/// One tensor `drawings` [subjects, packages, size, size, 4] uint8. The metadata holds a fingerprint of the
/// subjects and icons, so that a cache of another catalogue is refused instead of showing the wrong things.
/// Scenes shrink a drawing to its place, so drawings are larger than any place: 128 serves scenes of 64 and
/// of 128 pixels.

#include <cstdint>
#include <filesystem>

#include "mini/world/catalogue.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors.h"

namespace ziplora::mini {

/// Renders every drawing, held-out ones too. Does nothing if the file is there and fits the catalogue.
/// @param packages_dir  the node_modules folder that mini/tools/world_packages.sh fills
/// @throws Error(kInput) if a package or an icon is missing, Error(kInterrupted) with nothing written
void prepare_drawings(const Catalogue& catalogue, const std::filesystem::path& packages_dir,
                      const std::filesystem::path& file, int size, ProgressSink& progress,
                      const CancelToken& cancel);

class DrawingSet {
 public:
  /// @throws Error(kInput) if the file is missing or was made for another catalogue; the hint says how to
  ///         make it
  DrawingSet(const std::filesystem::path& file, const Catalogue& catalogue);

  int size() const { return size_; }
  /// @return [size, size, 4] premultiplied RGBA, or nullptr where the artist drew no such thing
  const uint8_t* pixels(int subject, int package) const;

 private:
  SafetensorsFile file_;
  at::Tensor drawings_;
  const uint8_t* data_;
  int size_, packages_;
  std::vector<bool> present_;
};

}  // namespace ziplora::mini
