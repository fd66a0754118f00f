#include "ziplora/merge/factor_sums.h"

#include <fmt/format.h>

#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {

FactorShares factor_shares(const LayerParts& parts) {
  FactorShares shares;
  for (const LayerPart& part : parts) {
    const double root = std::sqrt(std::abs(part.factor()));
    shares.down.push_back(part.factor() < 0 ? -root : root);
    shares.up.push_back(root);
  }
  return shares;
}

void require_equal_ranks(const std::string& target, const LayerParts& parts,
                         const std::vector<MergeInput>& inputs, const std::string& hint) {
  for (const LayerPart& part : parts)
    if (part.layer->rank() != parts.front().layer->rank())
      throw Error(ErrorKind::kIncompatible, "merge: " + target,
                  fmt::format("factors of different ranks cannot be added: rank {} in {}, {} in {}",
                              parts.front().layer->rank(), describe(inputs[parts.front().input]),
                              part.layer->rank(), describe(inputs[part.input])),
                  hint);
}

}  // namespace ziplora
