#include "tests/parity/probe/optimizer_probe.h"

namespace ziplora::probe {

Response run_adam(const Request& request) {
  const nlohmann::json& a = request.arguments;
  const AdamOptions options{a.at("lr"),  a.at("beta1"),        a.at("beta2"),
                            a.at("eps"), a.at("weight_decay"), a.at("decoupled")};
  return run_optimizer<Adam>(request, options);
}

}  // namespace ziplora::probe
