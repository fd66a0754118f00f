#include "mini/pretrain/sample_sheet.h"

#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/pipeline/contact_sheet.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::mini {

at::Tensor sample_sheet(const Sdxl& base, const World& world, int64_t steps, ProgressSink& progress) {
  constexpr uint64_t kScenes = 8;
  std::vector<ImageRow> rows;
  ContactSheet sheet;
  sheet.cell_pixels = 128;
  sheet.column_labels = {"base", "artist"};
  std::vector<at::Tensor> by_artist;
  for (uint64_t i = 0; i < kScenes; ++i) {
    const SceneContent content = world.describe(i, Split::kValidation).content;
    sheet.row_labels.push_back(world.caption(content));
    rows.push_back(
        {.prompt = sheet.row_labels.back(), .negative_prompt = {}, .seed = i, .adapter_weights = {}});
    by_artist.push_back(world.evaluation_scene(content, i));
  }
  const CancelToken never;  // the sheet takes seconds; an interrupted training stops after it
  SamplingOptions sampling;
  sampling.steps = steps;
  sampling.batch_size = static_cast<int64_t>(kScenes);
  const at::Tensor by_base = TextToImage(base).run(rows, sampling, progress, never).images;
  for (size_t i = 0; i < by_artist.size(); ++i)
    sheet.cells.insert(sheet.cells.end(), {by_base[static_cast<int64_t>(i)], by_artist[i]});
  return draw_contact_sheet(sheet);
}

}  // namespace ziplora::mini
