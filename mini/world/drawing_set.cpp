#include "mini/world/drawing_set.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "mini/world/icon_package.h"
#include "mini/world/svg_renderer.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr const char* kFormat = "ziplora drawings 1";

/// Changes when a subject, an icon or their order changes; words and roles do not matter to the pixels.
std::string fingerprint(const Catalogue& catalogue) {
  uint64_t seed = 0;
  for (const std::string& package : catalogue.packages) seed = derive_seed(seed, package);
  for (const Subject& subject : catalogue.subjects) {
    seed = derive_seed(seed, subject.id);
    for (const std::string& icon : subject.icons) seed = derive_seed(seed, icon);
  }
  return fmt::format("{:016x}", seed);
}

bool fits(const SafetensorsFile& file, const Catalogue& catalogue) {
  const StringMap& metadata = file.metadata();
  auto is = [&](const char* key, const std::string& value) {
    auto found = metadata.find(key);
    return found != metadata.end() && found->second == value;
  };
  return is("format", kFormat) && is("catalogue", fingerprint(catalogue)) && file.contains("drawings");
}

void store(const at::Tensor& image, int size, uint8_t* out) {
  const float* in = image.const_data_ptr<float>();  // [4, size, size]
  int64_t plane = static_cast<int64_t>(size) * size;
  for (int64_t pixel = 0; pixel < plane; ++pixel) {
    for (int channel = 0; channel < 4; ++channel) {
      out[4 * pixel + channel] = static_cast<uint8_t>(std::lround(255.0f * in[channel * plane + pixel]));
    }
  }
}

}  // namespace

void prepare_drawings(const Catalogue& catalogue, const std::filesystem::path& packages_dir,
                      const std::filesystem::path& file, int size, ProgressSink& progress,
                      const CancelToken& cancel) {
  if (std::filesystem::exists(file)) {
    SafetensorsFile present(file);
    if (fits(present, catalogue) && present.tensors().at("drawings").shape[2] == size) return;
  }
  auto subjects = static_cast<int64_t>(catalogue.subjects.size());
  auto packages = static_cast<int64_t>(catalogue.packages.size());
  at::Tensor drawings = at::zeros({subjects, packages, size, size, 4}, at::kByte);
  auto* data = drawings.mutable_data_ptr<uint8_t>();
  int64_t bytes = 4LL * size * size;
  Stage stage(progress, "drawings", packages);
  for (int64_t p = 0; p < packages; ++p) {  // package by package: one icons.json in memory at a time
    IconPackage package(packages_dir / "@iconify-json" / catalogue.packages[p]);
    for (int64_t s = 0; s < subjects; ++s) {
      const std::string& icon = catalogue.subjects[s].icons[p];
      if (icon.empty()) continue;
      cancel.throw_if_cancelled("world: drawings");
      try {
        store(render_svg(package.svg(icon), size), size, data + (s * packages + p) * bytes);
      } catch (const Error& error) {
        throw Error(error.kind(), fmt::format("world: {}/{}", catalogue.packages[p], icon), error.problem(),
                    error.hint());
      }
    }
    stage.step();
  }
  std::filesystem::create_directories(file.parent_path());
  write_safetensors(file, {{"drawings", drawings}},
                    {{"format", kFormat}, {"catalogue", fingerprint(catalogue)}});
}

namespace {

const SafetensorsFile& checked(const SafetensorsFile& file, const Catalogue& catalogue) {
  if (!fits(file, catalogue)) {
    throw Error(ErrorKind::kInput, "world: " + file.path().string(),
                "it was made for another list of subjects", "run 'ziplora-mini world'");
  }
  return file;
}

SafetensorsFile open(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kInput, "world: " + path.string(), "the drawings are not there",
                "run 'mini/tools/world_packages.sh' and 'ziplora-mini world'");
  }
  return SafetensorsFile(path);
}

}  // namespace

DrawingSet::DrawingSet(const std::filesystem::path& path, const Catalogue& catalogue)
    : file_(open(path)), drawings_(checked(file_, catalogue).tensor("drawings")) {
  data_ = drawings_.const_data_ptr<uint8_t>();
  packages_ = static_cast<int>(drawings_.size(1));
  size_ = static_cast<int>(drawings_.size(2));
  present_.reserve(drawings_.size(0) * drawings_.size(1));
  for (const Subject& subject : catalogue.subjects) {
    for (const std::string& icon : subject.icons) present_.push_back(!icon.empty());
  }
}

const uint8_t* DrawingSet::pixels(int subject, int package) const {
  size_t index = static_cast<size_t>(subject) * packages_ + package;
  return present_[index] ? data_ + index * 4 * size_ * size_ : nullptr;
}

}  // namespace ziplora::mini
