#include "ziplora/app/merge_inputs.h"

#include "ziplora/data/image_folder.h"
#include "ziplora/lora/trigger_words.h"

namespace ziplora {

std::vector<MergeInput> merge_inputs(const std::vector<MergeFile>& files,
                                     const std::vector<Adapter>& adapters) {
  std::vector<MergeInput> inputs;
  for (size_t k = 0; k < adapters.size(); ++k) {
    const MergeFile& file = files[k];
    MergeInput input{
        .adapter = &adapters[k], .role = file.role, .strength = file.strength, .prompts = file.prompts};
    if (input.prompts.empty())
      if (const std::vector<std::string> words = trigger_words(adapters[k].metadata); !words.empty())
        input.prompts = {words.front()};
    if (file.images) input.images = list_images(*file.images);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace ziplora
