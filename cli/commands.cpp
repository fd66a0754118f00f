#include "command.h"

namespace ziplora::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"train", "learn a LoRA from pictures of a subject or a style", train_command},
      {"merge", "several LoRA files into one", merge_command},
      {"generate", "pictures from prompts, with any LoRA files", generate_command},
      {"inspect", "what LoRA files are, what is wrong with them, who can load them", inspect_command},
      {"world", "render the emoji world of the embedded base, or a scene of it", world_command},
      {"pretrain", "train the embedded base from nothing", pretrain_command},
  };
  return table;
}

}  // namespace ziplora::cli
