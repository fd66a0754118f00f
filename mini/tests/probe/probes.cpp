// The laboratory's probes; the program around them is that of tests/parity/probe.
#include "tests/parity/probe/probes.h"

#include "mini/pretrain/muon.h"
#include "tests/parity/probe/optimizer_probe.h"

namespace ziplora::probe {
namespace {

Response run_muon(const Request& request) {
  const nlohmann::json& a = request.arguments;
  const mini::MuonOptions options{a.at("lr"), a.at("momentum"), a.at("weight_decay"), a.at("threads")};
  return run_optimizer<mini::Muon>(request, options);
}

}  // namespace

const std::vector<Probe>& probes() {
  static const std::vector<Probe> table = {{"muon", run_muon}};
  return table;
}

}  // namespace ziplora::probe
