// probe_ssr: the up of one layer as ssr merges it. Inputs: "down.<k>" [r, in], "up.<k>" [out, r], "x.<k>" [tokens, in],
// what the layer sees in the own context of adapter k. arguments.ridge. Gives "merged_up" [out, R].
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/merge/row_space_routing.h"

namespace ziplora::probe {

Response run_ssr(const Request& request) {
  std::vector<at::Tensor> downs, ups;
  for (int k = 0; request.inputs.contains(fmt::format("down.{}", k)); ++k) {
    downs.push_back(request.inputs.at(fmt::format("down.{}", k)));
    ups.push_back(request.inputs.at(fmt::format("up.{}", k)));
  }
  const at::Tensor down = at::cat(downs), up = at::cat(ups, 1);
  std::vector<RoutedContext> contexts;
  for (size_t c = 0; c < downs.size(); ++c) {
    const at::Tensor z = request.inputs.at(fmt::format("x.{}", c)).matmul(down.t()).to(at::kDouble);
    std::vector<at::Tensor> shares;
    for (size_t k = 0; k < downs.size(); ++k)
      shares.push_back(at::full({downs[k].size(0)}, k == c ? 1.0 : 0.0, at::kDouble));
    contexts.push_back({1.0, z.t().matmul(z) / static_cast<double>(z.size(0)), at::cat(shares)});
  }
  const at::Tensor merged = up.to(at::kDouble).matmul(router(contexts, request.arguments.at("ridge")));
  Response response;
  response.outputs["merged_up"] = merged;
  return response;
}

}  // namespace ziplora::probe
