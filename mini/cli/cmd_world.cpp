// ziplora world: the emoji world that the embedded base learns, and pictures of it.
#include <fmt/format.h>

#include <memory>

#include "cli/frame/command.h"
#include "mini/world/draw_scene.h"

namespace ziplora::mini::cli {

Run world_command(CLI::App& app) {
  struct Flags {
    DrawSceneRequest request;
    std::string world, cache, output;
  };
  auto flags = std::make_shared<Flags>();
  DrawSceneRequest& request = flags->request;
  flags->world = request.world.assets.string();
  flags->cache = request.world.cache.string();
  app.add_option("subject", request.subject, "id in subjects.json; absent: only render the drawings");
  app.add_option("-o,--output", flags->output, "PNG to write");
  app.add_option("--style", request.style, "id in styles.json");
  app.add_option("--background", request.background, "id in backgrounds.json");
  app.add_option("--next-to", request.second_subject, "a second subject");
  app.add_option("--seed", request.seed, "of place, size and shades; absent: large, centred, on white");
  app.add_option("--size", request.size, "pixels of a side");
  app.add_option("--world", flags->world, "the catalogue of subjects, styles and backgrounds");
  app.add_option("--cache", flags->cache, "drawings: packages and what was rendered of them");
  app.footer(example("ziplora world baby-chick --style neon -o chick.png"));
  return [flags](CommandContext& context) {
    DrawSceneRequest& request = flags->request;
    request.world = {flags->world, flags->cache};
    request.output = flags->output;
    const nlohmann::json report = run_draw_scene(request, context.progress, context.cancel);
    const std::string text =
        report.contains("output")
            ? fmt::format("{}  {}", report["output"].get<std::string>(), report["caption"].get<std::string>())
            : fmt::format("{} subjects, {} styles", report["subjects"].get<int64_t>(),
                          report["styles"].get<int64_t>());
    context.print_result(report, text);
  };
}

}  // namespace ziplora::mini::cli
