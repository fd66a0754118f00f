#include "cli/commands.h"

namespace ziplora::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"train", "Learn a LoRA from images of a subject or a style", train_command},
      {"merge", "Merge several LoRA files into one", merge_command},
      {"generate", "Draw images from prompts, with any LoRA files", generate_command},
      {"evaluate", "Compare ways of merging on many pairs of a subject and a style", evaluate_command},
      {"inspect", "Show what LoRA files are, what is wrong with them and who can load them", inspect_command},
      {"analyze", "Measure how sparse LoRA files are, and how each two lie to each other", analyze_command},
      {"convert", "Convert LoRA files, extract them from checkpoints and bake them into checkpoints",
       convert_command},
#ifdef ZIPLORA_STUDIO
      {"studio", "Open a page in the browser that does all of this", studio_command, true},
#endif
  };
  return table;
}

std::vector<AbsentCommand> absent_commands() {
#ifdef ZIPLORA_STUDIO
  return {};
#else
  return {{"studio", "build it from the sources, with 'make studio'"}};
#endif
}

}  // namespace ziplora::cli
