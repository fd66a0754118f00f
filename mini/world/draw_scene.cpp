#include "mini/world/draw_scene.h"

#include "mini/world/world.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"

namespace ziplora::mini {

nlohmann::json to_json(const DrawSceneResult& result) {
  nlohmann::json json = {{"subjects", result.subjects}, {"styles", result.styles}};
  if (result.output) {
    json["caption"] = result.caption;
    json["output"] = result.output->string();
  }
  return json;
}

DrawSceneResult run_draw_scene(const DrawSceneRequest& request, ProgressSink& progress,
                               const CancelToken& cancel) {
  if (!request.subject.empty() && request.output.empty())
    throw Error(ErrorKind::kUsage, "world", "there is no output file", "add -o scene.png");
  // Refuses a missing or read-only folder before the drawings are rendered.
  if (!request.subject.empty()) const AtomicFile writable(request.output);
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  const World world(request.world.assets, request.world.cache, request.size);
  const Catalogue& catalogue = world.catalogue();
  DrawSceneResult result{catalogue.subjects.size(), catalogue.styles.size(), {}, {}};
  if (request.subject.empty()) return result;

  SceneContent content{.subject = catalogue.subject(request.subject),
                       .style = catalogue.style(request.style),
                       .background = catalogue.background(request.background)};
  if (request.second_subject) content.second_subject = catalogue.subject(*request.second_subject);
  const bool plain = !request.seed && content.background == 0 && content.second_subject < 0;
  const at::Tensor image = plain ? world.evaluation_drawing(content.subject, content.style)
                                 : world.evaluation_scene(content, request.seed.value_or(0));
  result.caption = world.caption(content);
  write_png(request.output, image, {{"caption", result.caption}});
  result.output = request.output;
  return result;
}

}  // namespace ziplora::mini
