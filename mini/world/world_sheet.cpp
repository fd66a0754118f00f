/// Contact sheets of the world, to look at. Prepares the drawings if need be. A development tool, not part of
/// the program.
///
///     build/world_sheet mini/assets .cache/world 64 drawings drawings.png   # every subject × every style
///     build/world_sheet mini/assets .cache/world 64 scenes scenes.png       # 160 scenes, captions on stdout
///     build/world_sheet mini/assets .cache/world 64 speed                   # scenes a second on one core

#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "mini/world/world.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"

namespace ziplora::mini {
namespace {

/// Images in rows of `columns`, a white pixel between them.
class Sheet {
 public:
  Sheet(int size, int64_t columns, int64_t rows)
      : step_(size + 1), columns_(columns), image_(at::full({3, rows * step_, columns * step_}, 1.0f)) {}

  void put(int64_t index, const at::Tensor& image) {
    int64_t y = index / columns_ * step_, x = index % columns_ * step_;
    image_.narrow(1, y, step_ - 1).narrow(2, x, step_ - 1).copy_(image);
  }
  void write(const std::string& path) const { write_png(path, image_); }

 private:
  int64_t step_, columns_;
  at::Tensor image_;
};

void drawings_sheet(const World& world, const std::string& path, int first, int count) {
  auto styles = static_cast<int>(world.catalogue().styles.size());
  Sheet sheet(world.size(), styles, count);
  for (int i = 0; i < count; ++i) {
    for (int style = 0; style < styles; ++style) {
      if (world.has_drawing(first + i, style)) {
        sheet.put(static_cast<int64_t>(i) * styles + style, world.evaluation_drawing(first + i, style));
      }
    }
    fmt::print("{} {}\n", first + i, world.catalogue().subjects[first + i].words);
  }
  sheet.write(path);
}

void scenes_sheet(const World& world, const std::string& path) {
  Sheet sheet(world.size(), 16, 10);
  for (int64_t i = 0; i < 160; ++i) {
    Scene scene = world.sample(static_cast<uint64_t>(i), Split::kTrain);
    sheet.put(i, scene.image);
    fmt::print("{}:{} {}\n", i / 16, i % 16, scene.caption);
  }
  sheet.write(path);
}

void speed(const World& world) {
  constexpr int64_t kScenes = 2000;
  world.sample_batch(0, 200, Split::kTrain);
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < kScenes; i += 50) world.sample_batch(static_cast<uint64_t>(i), 50, Split::kTrain);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  fmt::print("{:.0f} scenes a second\n", kScenes / elapsed.count());
}

}  // namespace

int run(int count, char** arguments) {
  if (count < 5) {
    fmt::print(stderr,
               "usage: world_sheet ASSETS CACHE SIZE drawings|scenes|speed [OUT.png [FIRST COUNT]]\n");
    return 2;
  }
  NullProgress progress;
  const CancelToken never;
  World::prepare(arguments[1], arguments[2], progress, never);
  World world(arguments[1], arguments[2], std::stoi(arguments[3]));
  std::string what = arguments[4], out = count > 5 ? arguments[5] : "/tmp/world.png";
  if (what == "drawings") {
    int first = count > 6 ? std::stoi(arguments[6]) : 0;
    drawings_sheet(world, out, first, count > 7 ? std::stoi(arguments[7]) : 24);
  } else if (what == "scenes") {
    scenes_sheet(world, out);
  } else {
    speed(world);
  }
  return 0;
}

}  // namespace ziplora::mini

int main(int count, char** arguments) {
  try {
    return ziplora::mini::run(count, arguments);
  } catch (const ziplora::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return static_cast<int>(error.kind());
  }
}
