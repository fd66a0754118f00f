#include "ziplora/app/pair_merger.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "ziplora/app/merge.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/base/lock_file.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

constexpr const char* kGoOn = "run the same command again: what is made is kept";

bool records_sides(const fs::path& merged) {
  return SafetensorsFile(merged).metadata().contains("ziplora.split");
}

/// Whether the method asks what is typed for subject and style together.
bool learns_jointly(const nlohmann::json& options) { return options.value("joint-weight", 0.0) > 0; }

}  // namespace

PairMerger::PairMerger(const EvaluateRequest& request, const Manifest& manifest, const EvidenceFolder& folder,
                       SharedBase& base, ProgressSink& progress, const CancelToken& cancel)
    : request_(request),
      manifest_(manifest),
      folder_(folder),
      base_(base),
      progress_(progress),
      cancel_(cancel) {}

/// @param style_factor  multiplies the style's strength
PairMerger::Step PairMerger::step(const Contender& contender, const Manifest::Pair& pair,
                                  double style_factor) {
  const Manifest::Concept &subject = manifest_.subjects[pair.subject], &style = manifest_.styles[pair.style];
  const MergeMethod& method = find_merge_method(contender.by);
  const nlohmann::json options = resolve_options(method, contender.options);
  const std::array<double, 2> strengths = {contender.strengths[0], contender.strengths[1] * style_factor};
  nlohmann::json settings = {{"method", contender.by},
                             {"options", options},
                             {"strengths", strengths},
                             {"inputs", {base_.sha256_of(subject.lora), base_.sha256_of(style.lora)}},
                             {"seed", request_.seed}};
  if (method.needs_base) {
    settings["prompts"] = {subject.own_prompts, style.own_prompts};
    if (learns_jointly(options))
      settings["joint_prompts"] = {manifest_.prompt_of(pair, manifest_.joint_prompt())};
    settings["base"] = base_.sha256();
    settings["dtype"] = dtype_name(request_.policy.dtype);
  }
  return {EvidenceFolder::key_of(settings), strengths};
}

std::optional<MergedPair> PairMerger::find(const Contender& contender, const Manifest::Pair& pair) {
  const Step own = step(contender, pair, 1);
  if (!folder_.has_merge(own.key)) return std::nullopt;
  if (contender.style_strength == 1 || folder_.merge_facts(own.key).value("records_sides", false))
    return MergedPair{own.key, folder_.merge(own.key), contender.style_strength};
  const Step weighed = step(contender, pair, contender.style_strength);
  if (!folder_.has_merge(weighed.key)) return std::nullopt;
  return MergedPair{weighed.key, folder_.merge(weighed.key), 1};
}

MergedPair PairMerger::merged(const Contender& contender, const Manifest::Pair& pair) {
  const Step own = step(contender, pair, 1);
  if (!folder_.has_merge(own.key)) make(own, contender, pair);
  if (const auto found = find(contender, pair)) return *found;
  make(step(contender, pair, contender.style_strength), contender, pair);
  return *find(contender, pair);
}

void PairMerger::make(const Step& step, const Contender& contender, const Manifest::Pair& pair) {
  LockFile lock(folder_.merge_lock(step.key));
  while (lock.take() == FileLock::kHeldByAnother) {
    progress_.warning(fmt::format("{} makes {} of {} and {}: waiting for it", lock.holder(), contender.name,
                                  manifest_.subjects[pair.subject].name, manifest_.styles[pair.style].name));
    cancel_.throw_if_cancelled("evaluate", kGoOn);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (folder_.has_merge(step.key)) return;
  merge(step, contender, pair);
  ++made_;
}

void PairMerger::merge(const Step& step, const Contender& contender, const Manifest::Pair& pair) {
  const Manifest::Concept &subject = manifest_.subjects[pair.subject], &style = manifest_.styles[pair.style];
  const MergeMethod& method = find_merge_method(contender.by);
  MergeRequest merge;
  merge.inputs = {{.path = subject.lora, .role = Role::kSubject, .strength = step.strengths[0]},
                  {.path = style.lora, .role = Role::kStyle, .strength = step.strengths[1]}};
  if (method.needs_base) {
    merge.inputs[0].prompts = subject.own_prompts;
    merge.inputs[1].prompts = style.own_prompts;
    if (learns_jointly(resolve_options(method, contender.options)))
      merge.joint_prompts = {manifest_.prompt_of(pair, manifest_.joint_prompt())};
    merge.loaded_base = base_.sdxl();
  }
  merge.method = contender.by;
  merge.options = contender.options;
  merge.base = base_.path();
  merge.policy = request_.policy;
  merge.seed = request_.seed;
  merge.output = folder_.merge(step.key);
  merge.resume = fs::exists(folder_.merge_state(step.key));
  try {
    const MergeOutcome outcome = run_merge(merge, progress_, cancel_);
    nlohmann::json facts = outcome.to_json();
    facts["subject"] = subject.name, facts["style"] = style.name, facts["contender"] = to_json(contender);
    facts["records_sides"] = records_sides(merge.output);
    folder_.note_merge(step.key, facts);
  } catch (const Error& error) {
    throw Error(
        error.kind(),
        fmt::format("evaluate: {} of {} and {}: {}", contender.name, subject.name, style.name, error.where()),
        error.problem(), error.kind() == ErrorKind::kInterrupted ? kGoOn : error.hint());
  }
}

MergeCost PairMerger::cost(const MergedPair& merged) const {
  const nlohmann::json facts = folder_.merge_facts(merged.key);
  MergeCost cost{.contender = 0, .pair = 0, .seconds = facts.at("seconds"), .movement = {}};
  if (facts.contains("mean_movement")) cost.movement = facts["mean_movement"].get<double>();
  return cost;
}

}  // namespace ziplora
