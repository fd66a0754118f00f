#include "cli/frame/command.h"

namespace ziplora::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"train", "learn a LoRA from pictures of a subject or a style", train_command},
      {"merge", "several LoRA files into one", merge_command},
      {"generate", "pictures from prompts, with any LoRA files", generate_command},
      {"inspect", "what LoRA files are, what is wrong with them, who can load them", inspect_command},
      {"convert", "LoRA files into other formats and ranks; out of checkpoints, and into them",
       convert_command},
      {"world", "render the emoji world of the embedded base, or a scene of it", world_command},
      {"pretrain", "train the embedded base from nothing", pretrain_command},
      {"base-report", "how well the embedded base draws what it is asked for", base_report_command},
  };
  return table;
}

}  // namespace ziplora::cli
