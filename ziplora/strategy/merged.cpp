// All adapters in every step, as a plain sum of them in one file would be worn.
#include "ziplora/strategy/strategy.h"

namespace ziplora {

StrategyEntry merged_strategy() {
  return {.name = "merged",
          .summary = "all adapters in every step, as if they were one file",
          .needs_roles = false,
          .needs_guidance = false,
          .options = {},
          .make = nullptr};
}

}  // namespace ziplora
