#include "mini/cli/commands.h"

namespace ziplora::mini::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"world", "Render the emoji world, or draw one scene of it", world_command},
      {"pretrain", "Train the miniature from scratch", pretrain_command},
      {"report", "Measure how well the miniature draws what it is asked for", report_command},
      {"regimes", "Train the LoRAs of held-out subjects and styles that merge methods are compared on",
       regimes_command},
  };
  return table;
}

}  // namespace ziplora::mini::cli
