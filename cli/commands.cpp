#include "command.h"

namespace ziplora::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
  };
  return table;
}

}  // namespace ziplora::cli
