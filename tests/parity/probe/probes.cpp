#include "probes.h"

namespace ziplora::probe {

const std::vector<Probe>& probes() {
  static const std::vector<Probe> table = {
      {"autoencoder", run_autoencoder},
      {"unet", run_unet},
  };
  return table;
}

}  // namespace ziplora::probe
