// ziplora analyze: how sparse LoRA files are, and how each two lie to each other.
#include <fmt/format.h>

#include <memory>

#include "cli/aligned_cells.h"
#include "cli/commands.h"
#include "cli/frame/dtype_flag.h"
#include "cli/frame/ignore_unused_help.h"
#include "ziplora/app/analyze.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/base/error.h"
#include "ziplora/base/printable.h"

namespace ziplora::cli {
namespace {

std::string sparsity_table(const AnalyzeResult& result) {
  Cells cells = {{"energy kept without the smallest"}};
  for (const double share : kZeroedShares) cells[0].push_back(fmt::format("{:.0f} %", 100 * share));
  const auto add = [&](const std::string& name, const auto& kept) {
    std::vector<std::string>& row = cells.emplace_back(std::vector{name});
    for (const double share : kept) row.push_back(fmt::format("{:.3f}", share));
  };
  for (const AnalyzedFile& file : result.files) {
    const std::string name = visible(file.path.filename().string());
    add(name + ", values", file.kept.values);
    add(name + ", columns", file.kept.columns);
  }
  return aligned_cells(cells);
}

void add_measures(Cells& cells, const std::string& name, const PairMeasures& measures) {
  cells.push_back({name, fmt::format("{:+.3f}", measures.columns.cosine),
                   fmt::format("{:.3f}", measures.columns.absolute_cosine),
                   fmt::format("{:+.3f}", measures.cosine), fmt::format("{:.3f}", measures.overlap),
                   fmt::format("{:.3f}", measures.sign_conflict)});
}

std::string pair_table(const AnalyzedPair& pair, const AnalyzeResult& result) {
  Cells cells = {{"layers", "column cosine", "absolute", "cosine", "overlap", "sign conflict"}};
  add_measures(cells, fmt::format("all {} that both change", pair.shared), pair.whole);
  for (const auto& [kind, measures] : pair.by_kind) add_measures(cells, name_of(kind), measures);
  const auto name = [&](size_t file) { return visible(result.files[file].path.filename().string()); };
  return fmt::format("\n{} and {}\n{}", name(pair.first), name(pair.second), aligned_cells(cells));
}

std::string merge_table(const AnalyzedMerge& merge, const AnalyzeResult& result) {
  const std::vector<std::string> files = result.file_names();
  std::string text = fmt::format("\n{}\n", visible(merge.path.filename().string()));
  if (!merge.has_coefficients)
    text += fmt::format("  no column coefficients: the best ones leave {:.1f} % of ‖ΔW‖ unexplained\n",
                        100 * merge.residual);
  Cells cells = {{"coefficients of", "mean", "mean |m|", "near 0", "near 1", "layers scaled", "added"}};
  for (const AdapterInMerge& adapter : merge.adapters)
    cells.push_back({visible(files[adapter.file]), fmt::format("{:.3f}", adapter.whole.mean),
                     fmt::format("{:.3f}", adapter.whole.mean_absolute),
                     fmt::format("{:.1f} %", 100 * adapter.whole.near_zero),
                     fmt::format("{:.1f} %", 100 * adapter.whole.near_one),
                     fmt::format("{}", adapter.scaled_layers), fmt::format("{}", adapter.added_layers)});
  if (merge.has_coefficients) text += aligned_cells(cells);
  for (const PairInMerge& pair : merge.pairs)
    text +=
        fmt::format("  {} and {}: column cosine {:+.3f} → {:+.3f}, interference {:.3f} → {:.3f}\n",
                    visible(files[pair.first]), visible(files[pair.second]), pair.whole.cosine_before,
                    pair.whole.cosine_after, pair.whole.interference_before, pair.whole.interference_after);
  return text;
}

std::string effects_table(const AnalyzeResult& result) {
  if (result.effects.empty()) return "";
  const std::vector<std::string> files = result.file_names();
  Cells cells = {{"under the prompts of", "effect of", "kept", "its size beside the base's output"}};
  for (const ContextEffects& context : result.effects)
    for (const AdapterEffects& adapter : context.adapters)
      cells.push_back({context.name, visible(files[adapter.file]), fmt::format("{:.3f}", adapter.whole.kept),
                       fmt::format("{:.3f}", adapter.whole.size)});
  return "\n" + aligned_cells(cells);
}

struct AnalyzeFlags {
  AnalyzeRequest request;
  bool measures_effects = false;
  EffectsRequest effects;
  std::string device = DevicePolicy{}.device.str();
};

void add_effect_flags(CLI::App& app, AnalyzeFlags& flags) {
  EffectsRequest& effects = flags.effects;
  app.add_flag(
      "--effects", flags.measures_effects,
      "Measure on the base what the merge keeps of each file's effect, under each prompt and the joint one");
  app.add_option("--prompt", effects.prompts,
                 "Measure a file's effect under this prompt; one for each, in order; default: from the files")
      ->type_name("PROMPT")
      ->allow_extra_args(false);
  app.add_option(
         "--joint-prompt", effects.joint_prompts,
         "Measure effects under this prompt of subject and style together; repeat for more; default: the "
         "merge's own, or made of the files' prompts")
      ->type_name("PROMPT")
      ->allow_extra_args(false);
  app.add_option(
         "--contexts", effects.contexts,
         "Keep in this file what the prompts' contexts record, and take it from there; route keeps the same")
      ->type_name("FILE");
  add_dtype_flag(app, "--dtype", effects.policy.dtype, "Run the base in this type");
  app.add_option("--device", flags.device, "Run the base on this device: cpu, cuda, cuda:1 …")
      ->type_name("DEVICE");
  app.add_option("--seed", effects.seed, "Seed the noise that the base begins with");
}

/// Prompts that nothing is measured under would be ignored in silence.
AnalyzeRequest request_of(const AnalyzeFlags& flags) {
  AnalyzeRequest request = flags.request;
  const EffectsRequest& effects = flags.effects;
  if (!flags.measures_effects) {
    if (!effects.prompts.empty() || !effects.joint_prompts.empty() || effects.contexts)
      throw Error(ErrorKind::kUsage, "analyze", "prompts and contexts are there for effects alone",
                  "add --effects, or leave them out");
    return request;
  }
  request.effects = effects;
  request.effects->policy = parse_device_policy(flags.device, effects.policy.dtype, "analyze: --device");
  return request;
}

}  // namespace

Verb analyze_command(CLI::App& app) {
  auto flags = std::make_shared<AnalyzeFlags>();
  AnalyzeRequest& request = flags->request;
  app.add_option("files", request.files, "Analyze these LoRA files, or folders written by PEFT or diffusers")
      ->type_name("FILE");
  app.add_option(
         "--base", request.base,
         "Measure effects on this diffusers folder or SDXL checkpoint, and take weights from it that a file's "
         "effect depends on (DoRA, OFT …); default, for effects: the miniature")
      ->type_name("BASE");
  app.add_flag("--ignore-unused", request.ignore_unused, kIgnoreUnusedHelp);
  app.add_option(
         "--merged", request.merged,
         "Find in this merge of the files what became of each: coefficients by column, and interference")
      ->type_name("FILE");
  add_effect_flags(app, *flags);
  app.add_option("--course", request.course, "Draw how a merge by zip learned, from its report")
      ->type_name("FILE");
  app.add_option("--plots", request.plots,
                 "Draw figures into this folder, an SVG each; what else it holds stays")
      ->type_name("FOLDER");
  app.footer(example("ziplora analyze dog.safetensors ink.safetensors"));
  return {[flags](CommandContext& context) {
    const AnalyzeResult result = run_analyze(request_of(*flags), context.progress, context.cancel);
    std::string text = result.files.empty() ? "" : sparsity_table(result);
    for (const AnalyzedPair& pair : result.pairs) text += pair_table(pair, result);
    if (result.merge) text += merge_table(*result.merge, result);
    text += effects_table(result);
    for (const std::filesystem::path& plot : result.plots) text += plot.string() + "\n";
    context.print_result(to_json(result), text);
  }};
}

}  // namespace ziplora::cli
