// ziplora merge: several LoRA files into one.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/dtype_flag.h"
#include "cli/frame/exact_numbers.h"
#include "cli/frame/ignore_unused_help.h"
#include "cli/frame/option_table_flags.h"
#include "cli/team_work.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/merge.h"
#include "ziplora/app/merge_preview.h"
#include "ziplora/base/error.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora::cli {
namespace {

/// The inputs as the command line has them: parallel lists, from which the request's inputs are made.
struct InputFlags {
  std::string subject, style;
  std::vector<std::string> adapters;
  std::vector<std::string> subject_prompts, style_prompts, adapter_prompts;
  std::string subject_images, style_images;
  std::vector<std::string> adapter_images;
};

struct MergeFlags {
  MergeRequest request;
  InputFlags inputs;
  bool plan = false;
  std::string device = DevicePolicy{}.device.str();
};

MergeFile parse_input(Role role, const std::string& text, const std::vector<std::string>& prompts,
                      const std::string& images) {
  const AdapterChoice choice = parse_adapter(fmt::format("merge: --{}", name_of(role)), text);
  MergeFile file{.path = choice.file, .role = role, .strength = choice.strength, .prompts = prompts};
  if (!images.empty()) file.images = images;
  return file;
}

/// A prompt or images that belong to no adapter are refused: they would be ignored in silence.
void refuse_surplus(const std::string& flag, size_t given, const std::string& owner, size_t owners) {
  if (given <= owners) return;
  throw Error(ErrorKind::kUsage, "merge: " + flag,
              fmt::format("given {} time{}, but {} is given {} time{}", given, given == 1 ? "" : "s", owner,
                          owners, owners == 1 ? "" : "s"),
              fmt::format("add {} FILE, or leave out the {}", owner, flag));
}

std::vector<MergeFile> parse_inputs(const InputFlags& flags) {
  refuse_surplus("--subject-prompt", !flags.subject_prompts.empty(), "--subject", !flags.subject.empty());
  refuse_surplus("--subject-images", !flags.subject_images.empty(), "--subject", !flags.subject.empty());
  refuse_surplus("--style-prompt", !flags.style_prompts.empty(), "--style", !flags.style.empty());
  refuse_surplus("--style-images", !flags.style_images.empty(), "--style", !flags.style.empty());
  refuse_surplus("--adapter-prompt", flags.adapter_prompts.size(), "--adapter", flags.adapters.size());
  refuse_surplus("--adapter-images", flags.adapter_images.size(), "--adapter", flags.adapters.size());

  std::vector<MergeFile> inputs;
  if (!flags.subject.empty())
    inputs.push_back(parse_input(Role::kSubject, flags.subject, flags.subject_prompts, flags.subject_images));
  if (!flags.style.empty())
    inputs.push_back(parse_input(Role::kStyle, flags.style, flags.style_prompts, flags.style_images));
  for (size_t i = 0; i < flags.adapters.size(); ++i) {
    std::vector<std::string> prompts;
    if (i < flags.adapter_prompts.size()) prompts = {flags.adapter_prompts[i]};
    inputs.push_back(parse_input(Role::kAdapter, flags.adapters[i], prompts,
                                 i < flags.adapter_images.size() ? flags.adapter_images[i] : ""));
  }
  return inputs;
}

void add_input_flags(CLI::App& app, InputFlags& inputs, std::vector<std::string>& joint_prompts) {
  const char* file = "FILE[:STRENGTH]";
  app.add_option("--subject", inputs.subject, "Merge this LoRA of the subject")->type_name(file);
  app.add_option("--style", inputs.style, "Merge this LoRA of the style")->type_name(file);
  app.add_option("--adapter", inputs.adapters, "Merge this further LoRA; repeat for more")->type_name(file);
  app.add_option(
         "--subject-prompt", inputs.subject_prompts,
         "Preserve the subject under this prompt; repeat for more; default: the prompt that it was trained "
         "on, from the file")
      ->type_name("PROMPT");
  app.add_option(
         "--style-prompt", inputs.style_prompts,
         "Preserve the style under this prompt; prompts that name several things (\"a rose, in szn style\") "
         "preserve it for others, too")
      ->type_name("PROMPT");
  app.add_option("--adapter-prompt", inputs.adapter_prompts,
                 "Preserve an --adapter under this prompt; one for each, in order")
      ->type_name("PROMPT");
  app.add_option(
         "--joint-prompt", joint_prompts,
         "Merge for this prompt of subject and style together, or of an --adapter that it names; repeat for "
         "more; default: the subject's prompt with the words that the style's prompts share")
      ->type_name("PROMPT");
  const std::string learn = "Learn on this image or folder; default: the LoRA draws its own";
  app.add_option("--subject-images", inputs.subject_images, learn)->type_name("PATH");
  app.add_option("--style-images", inputs.style_images, learn)->type_name("PATH");
  app.add_option("--adapter-images", inputs.adapter_images, learn + "; one for each --adapter, in order")
      ->type_name("PATH");
}

void set_rank(std::optional<int64_t>& rank, int64_t given) {
  if (given < 0)
    throw Error(ErrorKind::kUsage, "merge: --rank", fmt::format("{} is not a rank", given),
                "for example --rank 32; 0 keeps every rank");
  if (given > 0) rank = given;
}

std::string describe(const Learning& learning) {
  std::string text;
  for (const auto& [name, adapter] : learning.adapters) {
    text += fmt::format("{}: fidelity {:.3g} (direct merge {:.3g})", name, adapter.fidelity.after,
                        adapter.fidelity.before);
    if (adapter.overlap) text += fmt::format(", overlap {:.3f}", *adapter.overlap);
    text += fmt::format(", coefficients moved by {:.3f}\n", adapter.movement);
  }
  if (learning.joint_fidelity)
    text += fmt::format("joint: fidelity {:.3g} (direct merge {:.3g})\n", learning.joint_fidelity->after,
                        learning.joint_fidelity->before);
  return text + fmt::format("overlap: {:.3f} (1 at the start); coefficients moved by {:.3f} on average\n",
                            learning.overlap.after, learning.mean_movement);
}

std::string describe(const MergeOutcome& outcome) {
  const MergeReport& report = outcome.report;
  std::string text;
  if (report.learning) {
    text += describe(*report.learning);
    text += fmt::format("{:.1f} s, {:.2f} s an iteration, {:.2f} GiB at the peak\n", outcome.seconds,
                        report.learning->seconds_per_iteration,
                        static_cast<double>(outcome.peak_memory_bytes) / (1 << 30));
  }
  if (report.cross_terms)
    text += fmt::format("cross terms: {:.2f} of the exact sum's norm\n", *report.cross_terms);
  for (const Removed& removed : report.removed)
    text += fmt::format("{}: {:.1f} % of its squared norm removed\n", removed.input, 100 * removed.share);
  if (report.svd_error)
    text +=
        fmt::format("SVD to rank {} or less: relative error {:.4f}\n", outcome.rank, report.svd_error->total);
  if (outcome.compression_error)
    text += fmt::format("compressed to rank {}: relative error {:.4f}\n", outcome.rank,
                        *outcome.compression_error);
  return text + outcome.output.string();
}

std::string describe(const MergePreview& preview) {
  std::string text = fmt::format("{} for {}\n", preview.method, preview.architecture);
  for (const MergePreview::Input& input : preview.inputs)
    text += fmt::format("{}: {}, {} layers of rank up to {}, {} of them its alone\n", name_of(input.role),
                        input.file.string(), input.layers, input.rank, input.alone);
  for (const std::string& prompt : preview.joint_prompts)
    text += fmt::format("joint prompt: \"{}\"\n", prompt);
  return text + fmt::format("{} layers: {} learned on the base, {} added; {} in several files",
                            preview.layers.size(), preview.learned(),
                            preview.layers.size() - preview.learned(), preview.shared());
}

/// The table of methods, with each one's options.
nlohmann::ordered_json method_rows() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const MergeMethod& method : merge_methods())
    rows.push_back({{"name", method.name},
                    {"summary", method.summary},
                    {"needs_base", method.needs_base},
                    {"keeps_state", method.keeps_state},
                    {"options", options_json(method.options)}});
  return rows;
}

}  // namespace

Verb merge_command(CLI::App& app) {
  auto flags = std::make_shared<MergeFlags>();
  MergeRequest& request = flags->request;
  add_input_flags(app, flags->inputs, request.joint_prompts);
  app.add_option("--recipe", request.recipe,
                 "Run the steps of this JSON file, instead of inputs and a method")
      ->type_name("FILE");
  app.add_option("--method", request.method, table_help("Merge in this way", merge_option_table()))
      ->type_name("NAME");
  app.add_option(
         "--base", request.base,
         "Use this base, a diffusers folder or an SDXL checkpoint; default, to learn on: the miniature")
      ->type_name("PATH");
  app.add_option(
         "--contexts", request.contexts,
         "Keep in this file what the prompts' contexts record, and take it from there in the next merge with "
         "another weight or ridge")
      ->type_name("FILE");
  add_dtype_flag(app, "--dtype", request.policy.dtype,
                 "Run the base in this type; the coefficients learn in float32");
  app.add_option("--device", flags->device, "Run the base on this device: cpu, cuda, cuda:1 …")
      ->type_name("DEVICE");
  app.add_option("--seed", request.seed,
                 "Seed every random draw: images, noise, timesteps and dropped values");
  app.add_option_function<int64_t>(
         "--rank", [&request](int64_t rank) { set_rank(request.rank, rank); },
         "Give the result this rank, by SVD; 0: as the method leaves it, with most the sum of the inputs' ranks")
      ->default_str("0");
  app.add_option("--format", request.write.format, "Write the keys in this dialect: kohya, diffusers …")
      ->type_name("DIALECT");
  add_dtype_flag(app, "--file-dtype", request.write.dtype, "Write the factors in this type");
  app.add_flag("--ignore-unused", request.ignore_unused, kIgnoreUnusedHelp);
  app.add_flag("--plan", flags->plan, "Say what the merge would do with each layer, and do nothing");
  app.add_flag("--resume", request.resume, "Resume the interrupted merge of the same command");
  app.add_option(
         "--checkpoint-minutes", request.checkpoint_minutes,
         "Save what zip has learned every FLOAT minutes, and keep the last until the LoRA is written; 0 "
         "saves it at the end alone")
      ->type_name("FLOAT");
  app.add_option("-o,--output", request.output, "Write the merged LoRA to this file")
      ->type_name("FILE")
      ->required();
  add_table_flags(app, merge_option_table(), request.options);
  app.footer(example(
      "ziplora merge --subject dog.safetensors --style ink.safetensors:0.8 -o dog-in-ink.safetensors"));

  return {[flags](CommandContext& context) {
            MergeRequest request = flags->request;
            request.inputs = parse_inputs(flags->inputs);
            request.policy = parse_device_policy(flags->device, request.policy.dtype, "merge: --device");
            if (flags->plan) {
              const MergePreview preview = preview_merge(request, context.progress);
              context.print_result(to_json(preview), describe(preview));
              return;
            }
            in_team(context, "merge", [&](Team& team, ProgressSink& progress) {
              request.team = &team;
              const MergeOutcome outcome = run_merge(request, progress, context.cancel);
              if (team.leads()) context.print_result(outcome.to_json(), describe(outcome));
            });
          },
          {},
          method_rows};
}

}  // namespace ziplora::cli
