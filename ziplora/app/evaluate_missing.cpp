#include "ziplora/app/evaluate_missing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr size_t kMostPairs = 5;

/// "dog × ink: zip 6 (not merged), switch 2"
std::string describe(const std::vector<const MissingWork*>& of_pair, const Evaluation& evaluation) {
  const Manifest& manifest = evaluation.manifest;
  const Manifest::Pair& pair = manifest.pairs[of_pair.front()->pair];
  std::vector<std::string> parts;
  for (const MissingWork* missing : of_pair)
    parts.push_back(fmt::format("{} {}{}", evaluation.contenders[missing->contender].name, missing->images,
                                missing->merge ? " (not merged)" : ""));
  return fmt::format("{} × {}: {}", manifest.subjects[pair.subject].name, manifest.styles[pair.style].name,
                     fmt::join(parts, ", "));
}

}  // namespace

nlohmann::json to_json(const MissingWork& missing, const EvaluateResult& result) {
  const Manifest& manifest = result.evaluation.manifest;
  const Manifest::Pair& pair = manifest.pairs[missing.pair];
  return {{"subject", manifest.subjects[pair.subject].name},
          {"style", manifest.styles[pair.style].name},
          {"contender", result.evaluation.contenders[missing.contender].name},
          {"merge", missing.merge},
          {"images", missing.images}};
}

void require_complete(const EvaluateResult& result) {
  if (result.missing.empty()) return;
  size_t images = 0;
  std::map<size_t, std::vector<const MissingWork*>> by_pair;
  for (const MissingWork& missing : result.missing) {
    images += missing.images;
    by_pair[missing.pair].push_back(&missing);
  }
  std::vector<std::string> named;
  for (const auto& [pair, missing] : by_pair) {
    if (named.size() == kMostPairs) break;
    named.push_back(describe(missing, result.evaluation));
  }
  const std::string more =
      by_pair.size() > named.size() ? fmt::format("; and {} more pairs", by_pair.size() - named.size()) : "";
  throw Error(
      ErrorKind::kFailed, "evaluate: gather",
      fmt::format("{} of {} images are missing, in {} pairs that the tables leave out: {}{}", images,
                  result.asked, by_pair.size(), fmt::join(named, "; "), more),
      "run the parts that did not end, with the same settings, and gather again; a part makes only what is "
      "missing");
}

}  // namespace ziplora
