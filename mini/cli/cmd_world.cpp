// ziplora-mini world: the emoji world that the miniature learns, and images of it.
#include <fmt/format.h>

#include <memory>

#include "mini/cli/commands.h"
#include "mini/cli/world_flags.h"
#include "mini/world/draw_scene.h"

namespace ziplora::mini::cli {

Verb world_command(CLI::App& app) {
  auto request = std::make_shared<DrawSceneRequest>();
  app.add_option("subject", request->subject,
                 "Draw this subject of subjects.json; without one, only render the drawings");
  app.add_option("-o,--output", request->output, "Write this PNG");
  app.add_option("--style", request->style, "Draw in this style of styles.json");
  app.add_option("--background", request->background, "Draw on this background of backgrounds.json");
  app.add_option("--next-to", request->second_subject, "Draw a second subject beside the first");
  app.add_option("--seed", request->seed,
                 "Seed place, size and shades; without it the subject stands large and centred on white");
  app.add_option("--size", request->size, "Set the side of the image in pixels");
  add_world_flags(app, request->world);
  app.footer(example("ziplora-mini world baby-chick --style neon -o chick.png"));
  return {[request](CommandContext& context) {
    const DrawSceneResult result = run_draw_scene(*request, context.progress, context.cancel);
    context.print_result(to_json(result),
                         result.output
                             ? fmt::format("{}  {}", result.output->string(), result.caption)
                             : fmt::format("{} subjects, {} styles", result.subjects, result.styles));
  }};
}

}  // namespace ziplora::mini::cli
