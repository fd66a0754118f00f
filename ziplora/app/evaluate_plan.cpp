#include "ziplora/app/evaluate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ziplora/app/default_base.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/generate_strategy.h"
#include "ziplora/base/assets.h"
#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

using Way = Contender::Way;

/// Every method, and every strategy that is not plain addition, with its defaults.
nlohmann::json default_methods() {
  nlohmann::json methods = nlohmann::json::array();
  for (const MergeMethod& method : merge_methods()) methods.push_back({{"method", method.name}});
  for (const StrategyEntry& strategy : strategies())
    if (strategy.make) methods.push_back({{"strategy", strategy.name}});
  return methods;
}

std::vector<Contender> listed_contenders(const EvaluateRequest& request, const Manifest& manifest) {
  if (request.methods) return read_contenders(read_json_file(*request.methods), request.methods->string());
  if (!manifest.methods.is_null()) return read_contenders(manifest.methods, request.manifest.string());
  return read_contenders(default_methods(), "evaluate");
}

/// The contender of that name, in the list or in the tables.
Contender named_contender(const std::string& name, const std::vector<Contender>& listed) {
  std::vector<std::string> known;
  for (const Contender& contender : listed) {
    if (contender.name == name) return contender;
    known.push_back(contender.name);
  }
  for (const Contender& contender : read_contenders(default_methods(), "evaluate")) {
    if (contender.name == name) return contender;
    known.push_back(contender.name);
  }
  throw unknown_name("evaluate: --only", name, known);
}

std::vector<Contender> chosen_contenders(const EvaluateRequest& request, const Manifest& manifest) {
  std::vector<Contender> chosen = bounds();
  const std::vector<Contender> listed = listed_contenders(request, manifest);
  if (request.only.empty()) chosen.insert(chosen.end(), listed.begin(), listed.end());
  for (const std::string& name : request.only) {
    const auto is_there = [&](const Contender& contender) { return contender.name == name; };
    if (std::ranges::none_of(chosen, is_there)) chosen.push_back(named_contender(name, listed));
  }
  return chosen;
}

/// Methods, strategies and options as their tables have them.
void check(const Contender& contender, const EvaluateRequest& request) {
  if (contender.way == Way::kMerge) resolve_options(find_merge_method(contender.by), contender.options);
  if (contender.way != Way::kStrategy) return;
  GenerateRequest generate;
  generate.strategy = contender.by;
  generate.strategy_options = contender.options;
  generate.sampling = request.sampling;
  generate.adapter_sets = {
      {{{.file = "subject", .role = Role::kSubject}, {.file = "style", .role = Role::kStyle}}, {}}};
  check_strategy(generate);
}

/// That every pair to draw has the ready file of such a contender.
void check_files(const EvaluatePlan& plan) {
  for (const Contender& contender : plan.contenders)
    for (const size_t index : plan.pairs) {
      const Manifest::Pair& pair = plan.manifest.pairs[index];
      if (contender.way == Way::kFile && !pair.files.contains(contender.by))
        throw Error(ErrorKind::kInput,
                    fmt::format("{} × {}", plan.manifest.subjects[pair.subject].name,
                                plan.manifest.styles[pair.style].name),
                    fmt::format("the pair has no file '{}', which '{}' draws", contender.by, contender.name),
                    fmt::format(R"(give the pair "files": {{"{}": "NAME.safetensors"}} in the manifest)",
                                contender.by));
    }
}

/// Pairs of the other groups stay what images may be nearer to, so that a group is told as among all.
void keep_groups(Manifest& manifest, const std::vector<std::string>& groups) {
  if (groups.empty()) return;
  std::vector<std::string> known;
  for (const Manifest::Pair& pair : manifest.pairs)
    if (!pair.group.empty() && std::ranges::find(known, pair.group) == known.end())
      known.push_back(pair.group);
  for (const std::string& group : groups)
    if (std::ranges::find(known, group) == known.end()) throw unknown_name("evaluate: --group", group, known);
  for (Manifest::Pair& pair : manifest.pairs)
    pair.only_lends = std::ranges::find(groups, pair.group) == groups.end();
}

std::vector<size_t> pairs_of_shard(const Manifest& manifest, const Shard& shard) {
  std::vector<size_t> pairs;
  size_t place = 0;
  for (size_t pair = 0; pair < manifest.pairs.size(); ++pair)
    if (!manifest.is_candidate(manifest.pairs[pair]) && shard.takes(place++)) pairs.push_back(pair);
  return pairs;
}

/// That each image that scores compare with can be read: known now, not after hours of drawing.
void check_images(const Manifest& manifest) {
  std::set<std::filesystem::path> files;
  for (const std::vector<Manifest::Concept>* concepts : {&manifest.subjects, &manifest.styles})
    for (const Manifest::Concept& entry : *concepts)
      if (!entry.images.empty())
        for (const std::filesystem::path& file : list_images(entry.images)) files.insert(file);
  for (const Manifest::Pair& pair : manifest.pairs)
    for (const std::filesystem::path& file : pair.truths)
      if (!file.empty()) files.insert(file);
  for (const std::filesystem::path& file : files) check_image(file);
}

std::vector<std::string> judges_of(const EvaluateRequest& request) {
  if (!request.judges.empty()) return request.judges;
  const auto own = is_miniature(request.base) ? find_asset("judges/clip/config.json") : std::nullopt;
  if (!own)
    throw Error(ErrorKind::kUsage, "evaluate: --judge",
                "no judge is given, and only the miniature has its own",
                "give a folder of CLIP, DINO, DINOv2 or CSD with --judge FOLDER, or --judge pixels");
  return {own->parent_path().string(), "pixels"};
}

}  // namespace

EvaluatePlan plan_of(const EvaluateRequest& request) {
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "evaluate", "--output is required", "add -o FOLDER");
  if (request.gather && !request.shard.is_whole())
    throw Error(ErrorKind::kUsage, "evaluate: --gather", "a part makes images, and gathering makes none",
                "leave out --shard");
  EvaluatePlan plan;
  const Protocol* protocol =
      request.protocol ? &find_protocol(*request.protocol, "evaluate: --protocol") : nullptr;
  plan.manifest = read_manifest(request.manifest, protocol ? protocol->seeds() : std::vector<uint64_t>{});
  keep_groups(plan.manifest, request.groups);
  if (protocol)
    plan.protocol = {protocol, differences_from(*protocol, plan.manifest, request.sampling.steps)};
  plan.contenders = chosen_contenders(request, plan.manifest);
  for (const Contender& contender : plan.contenders) check(contender, request);
  plan.pairs = pairs_of_shard(plan.manifest, request.shard);
  check_files(plan);
  check_images(plan.manifest);
  if (request.shard.is_whole()) plan.judges = judges_of(request);
  return plan;
}

}  // namespace ziplora
