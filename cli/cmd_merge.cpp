// ziplora merge: several LoRA files into one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/dtype_flag.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/merge.h"
#include "ziplora/base/error.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora::cli {
namespace {

struct MergeFlags {
  std::string subject, style;
  std::vector<std::string> adapters;
  std::vector<std::string> subject_prompts, style_prompts, adapter_prompts;
  std::string subject_images, style_images;
  std::vector<std::string> adapter_images;
  std::string method = "zip", base, device = "cpu";
  std::string format = "kohya", recipe, output;
  at::ScalarType dtype = at::kFloat, file_dtype = at::kHalf;
  uint64_t seed = 0;
  int64_t rank = 0;
  bool resume = false;
  std::map<std::string, std::string> method_options;  // by name, as written
  std::map<std::string, bool> method_flags;
};

MergeFile parse_input(const std::string& role, const std::string& text,
                      const std::vector<std::string>& prompts, const std::string& images) {
  const AdapterChoice choice = parse_adapter("merge: --" + role, text);
  MergeFile file{
      .path = choice.file, .role = role, .weight = choice.strength, .prompts = prompts, .images = {}};
  if (!images.empty()) file.images = images;
  return file;
}

nlohmann::json parse_value(const MergeOption& option, const std::string& text) {
  if (option.default_value.is_string()) return text;
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  return value.is_discarded() ? nlohmann::json(text) : value;
}

// A prompt or image that belongs to no adapter is a slip: it would be dropped without a word.
void refuse_surplus(const std::string& flag, size_t given, const std::string& owner, size_t owners) {
  if (given <= owners) return;
  throw Error(ErrorKind::kUsage, "merge: " + flag,
              fmt::format("given {} time{}, but {} is given {} time{}", given, given == 1 ? "" : "s", owner,
                          owners, owners == 1 ? "" : "s"),
              fmt::format("add {} FILE, or leave out the {}", owner, flag));
}

// Every option of every method is a flag, once. What equals its default is not passed on, so that a printed
// config with another method's defaults in it still runs.
nlohmann::json given_options(const MergeFlags& flags) {
  nlohmann::json given = nlohmann::json::object();
  for (const MergeMethod& method : merge_methods()) {
    for (const MergeOption& option : method.options) {
      const nlohmann::json value = option.default_value.is_boolean()
                                       ? nlohmann::json(flags.method_flags.at(option.name))
                                       : parse_value(option, flags.method_options.at(option.name));
      if (value != option.default_value) given[option.name] = value;
    }
  }
  return given;
}

void add_method_options(CLI::App& app, MergeFlags& flags) {
  for (const MergeMethod& method : merge_methods()) {
    const std::string group = fmt::format("Method {}", method.name);
    for (const MergeOption& option : method.options) {
      if (flags.method_flags.count(option.name) || flags.method_options.count(option.name)) continue;
      CLI::Option* flag;
      if (option.default_value.is_boolean()) {
        bool& value = flags.method_flags[option.name] = option.default_value.get<bool>();
        flag = app.add_flag(fmt::format("--{0},!--no-{0}", option.name), value, option.help);
      } else {
        const std::string text = option.default_value.is_string() ? option.default_value.get<std::string>()
                                                                  : option.default_value.dump();
        std::string& value = flags.method_options[option.name] = text;
        std::string help = option.help;
        if (!option.choices.empty()) help += fmt::format(" ({})", fmt::join(option.choices, ", "));
        flag = app.add_option("--" + option.name, value, help);
      }
      flag->group(group);
    }
  }
}

// What zip says of one adapter.
std::string describe_learned(const std::string& name, const nlohmann::json& report) {
  const nlohmann::json& fidelity = report["fidelity"][name];
  std::string text = fmt::format("{}: fidelity {:.3g} (direct merge {:.3g})", name,
                                 fidelity["after"].get<double>(), fidelity["before"].get<double>());
  const nlohmann::json& overlaps = report["overlap"]["per_adapter"];
  if (const auto overlap = overlaps.find(name); overlap != overlaps.end())
    text += fmt::format(", overlap {:.3f}", overlap->get<double>());
  return text + fmt::format(", coefficients moved by {:.3f}\n", report["movement"][name].get<double>());
}

std::string describe_merge(const nlohmann::json& report) {
  std::string text;
  if (report.contains("fidelity"))
    for (const auto& [name, _] : report["fidelity"].items()) text += describe_learned(name, report);
  if (report.contains("overlap"))
    text += fmt::format("overlap: {:.3f} (1 at the start); coefficients moved by {:.3f} on average\n",
                        report["overlap"]["after"].get<double>(), report["mean_movement"].get<double>());
  if (report.contains("seconds_per_iteration"))
    text += fmt::format("{:.1f} s, {:.2f} s an iteration, {:.2f} GiB at the peak\n",
                        report["seconds"].get<double>(), report["seconds_per_iteration"].get<double>(),
                        report["peak_memory_bytes"].get<double>() / (1 << 30));
  if (report.contains("cross_terms"))
    text += fmt::format("cross terms: {:.2f} of the exact sum's norm\n", report["cross_terms"].get<double>());
  if (report.contains("removed"))
    for (const nlohmann::json& removed : report["removed"])
      text += fmt::format("{}: {:.1f} % of its squared norm removed\n", removed["input"].get<std::string>(),
                          100 * removed["share"].get<double>());
  if (report.contains("svd_error"))
    text += fmt::format("SVD to rank {} or less: relative error {:.4f}\n", report["rank"].get<int64_t>(),
                        report["svd_error"].get<double>());
  if (report.contains("compression_error"))
    text += fmt::format("compressed to rank {}: relative error {:.4f}\n", report["rank"].get<int64_t>(),
                        report["compression_error"].get<double>());
  return text + report["output"].get<std::string>();
}

}  // namespace

Verb merge_command(CLI::App& app) {
  auto flags = std::make_shared<MergeFlags>();
  app.add_option("--subject", flags->subject, "LoRA file of the subject, FILE or FILE:weight");
  app.add_option("--style", flags->style, "LoRA file of the style, FILE or FILE:weight");
  app.add_option("--adapter", flags->adapters, "further LoRA files, FILE or FILE:weight");
  app.add_option("--subject-prompt", flags->subject_prompts,
                 "words under which it is to be kept; again for more; default: what it was trained on, from "
                 "the file");
  app.add_option("--style-prompt", flags->style_prompts,
                 "the same; several things (\"a rose, in szn style\") keep a style for others as well");
  app.add_option("--adapter-prompt", flags->adapter_prompts, "one for each --adapter, in order");
  app.add_option("--subject-images", flags->subject_images,
                 "image or folder; default: drawn by the LoRA itself");
  app.add_option("--style-images", flags->style_images, "image or folder; default: drawn by the LoRA itself");
  app.add_option("--adapter-images", flags->adapter_images, "one for each --adapter, in order");
  app.add_option("--recipe", flags->recipe, "JSON file with several steps, instead of inputs and a method");
  std::string methods;
  for (const MergeMethod& method : merge_methods())
    methods += fmt::format("\n  {}: {}", method.name, method.summary);
  app.add_option("--method", flags->method, "how to merge" + methods);
  app.add_option("--base", flags->base,
                 "diffusers folder or checkpoint, for methods that learn; default: the mini");
  add_dtype_flag(app, "--dtype", flags->dtype,
                 "Run the base in this type; the coefficients learn in float32");
  app.add_option("--device", flags->device, "cpu, cuda, cuda:1 …");
  app.add_option("--seed", flags->seed, "of images, noise and timesteps");
  app.add_option("--rank", flags->rank, "compress to this rank by SVD; 0: exact, the sum of the ranks");
  app.add_option("--format", flags->format, "key family of the file: kohya, diffusers …");
  add_dtype_flag(app, "--file-dtype", flags->file_dtype, "Write the factors in this type");
  app.add_flag("--resume", flags->resume, "go on with the interrupted merge of the same command");
  app.add_option("-o,--output", flags->output, "the merged LoRA file")->required();
  add_method_options(app, *flags);
  app.footer(example(
      "ziplora merge --subject dog.safetensors --style ink.safetensors:0.8 -o dog-in-ink.safetensors"));

  return {[flags](CommandContext& context) {
    MergeRequest request;
    const auto add = [&](const std::string& role, const std::string& text,
                         const std::vector<std::string>& prompts, const std::string& images) {
      if (!text.empty()) request.inputs.push_back(parse_input(role, text, prompts, images));
    };
    for (const auto& [role, file, prompts, images] :
         {std::tuple{"subject", &flags->subject, &flags->subject_prompts, &flags->subject_images},
          std::tuple{"style", &flags->style, &flags->style_prompts, &flags->style_images}}) {
      const std::string owner = fmt::format("--{}", role);
      refuse_surplus(owner + "-prompt", !prompts->empty(), owner, !file->empty());
      refuse_surplus(owner + "-images", !images->empty(), owner, !file->empty());
    }
    refuse_surplus("--adapter-prompt", flags->adapter_prompts.size(), "--adapter", flags->adapters.size());
    refuse_surplus("--adapter-images", flags->adapter_images.size(), "--adapter", flags->adapters.size());
    const auto at_or_empty = [](const std::vector<std::string>& list, size_t i) {
      return i < list.size() ? list[i] : std::string();
    };
    add("subject", flags->subject, flags->subject_prompts, flags->subject_images);
    add("style", flags->style, flags->style_prompts, flags->style_images);
    for (size_t i = 0; i < flags->adapters.size(); ++i) {
      std::vector<std::string> prompts;
      if (i < flags->adapter_prompts.size()) prompts = {flags->adapter_prompts[i]};
      add("adapter", flags->adapters[i], prompts, at_or_empty(flags->adapter_images, i));
    }
    if (!flags->recipe.empty()) request.recipe = flags->recipe;
    if (request.recipe && flags->method != MergeFlags().method)
      throw Error(ErrorKind::kUsage, "merge: --method", "the recipe names the method of each step",
                  "leave out --method, or --recipe");
    request.method = flags->method;
    request.options = given_options(*flags);
    if (!flags->base.empty()) request.base = flags->base;
    request.policy = parse_device_policy(flags->device, flags->dtype, "merge: --device");
    request.seed = flags->seed;
    if (flags->rank < 0)
      throw Error(ErrorKind::kUsage, "merge: --rank", fmt::format("{} is no rank", flags->rank),
                  "for example --rank 32; 0 keeps every rank");
    if (flags->rank > 0) request.rank = flags->rank;
    request.format = flags->format;
    request.dtype = flags->file_dtype;
    request.output = flags->output;
    request.resume = flags->resume;
    const nlohmann::json report = run_merge(request, context.progress, context.cancel);
    context.print_result(report, describe_merge(report));
  }};
}

}  // namespace ziplora::cli
