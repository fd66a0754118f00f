#include "probes.h"

namespace ziplora::probe {

const std::vector<Probe>& probes() {
  static const std::vector<Probe> table = {};
  return table;
}

}  // namespace ziplora::probe
