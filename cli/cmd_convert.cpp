// ziplora convert: LoRA files between dialects, dtypes and ranks; a LoRA out of two bases; a LoRA into a base.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/dtype_flag.h"
#include "cli/frame/ignore_unused_help.h"
#include "cli/frame/size_text.h"
#include "cli/layer_error_table.h"
#include "ziplora/app/convert.h"
#include "ziplora/app/convert_bake.h"
#include "ziplora/app/convert_extract.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora::cli {
namespace {

/// Flags that several uses share are bound to the fields of `convert`, and taken over by the others.
struct ConvertFlags {
  ConvertRequest convert;
  ExtractRequest extract;
  BakeRequest bake;
  std::optional<int64_t> rank;
  std::optional<double> energy;
  std::vector<std::string> baked;  ///< FILE[:STRENGTH]
};

/// @param unless_given  the rule if neither flag is given
std::optional<RankRule> given_rank_rule(const ConvertFlags& flags, std::optional<RankRule> unless_given) {
  if (!flags.rank && !flags.energy) return unless_given;
  RankRule rule;
  if (flags.rank) rule.most = *flags.rank;
  if (flags.energy) rule.energy = *flags.energy;
  rule.check("convert: --rank, --energy");
  return rule;
}

void run_plain_conversion(const ConvertFlags& flags, CommandContext& context) {
  ConvertRequest request = flags.convert;
  request.rank_rule = given_rank_rule(flags, request.rank_rule);
  const ConvertResult result = run_convert(request, context.progress, context.cancel);
  std::string text;
  for (const ConvertedFile& file : result.files) {
    if (file.approximation && !file.approximation->per_layer().empty())
      text += layer_error_table(*file.approximation);
    text += fmt::format("{}  {}, {}, {} layers of rank {}{}, {}\n", file.output.string(), file.format,
                        dtype_name(file.dtype), file.layers, file.approximation ? "at most " : "up to ",
                        file.rank, size_text(static_cast<double>(file.size_bytes)));
  }
  context.print_result(result.to_json(), text);
}

void run_extraction(const ConvertFlags& flags, CommandContext& context) {
  if (flags.extract.base.empty())
    throw Error(ErrorKind::kUsage, "convert: --extract", "what it was tuned from is missing",
                "add --from BASE, a single file or diffusers folder");
  ExtractRequest request = flags.extract;
  request.output = flags.convert.output;
  request.rank_rule = *given_rank_rule(flags, request.rank_rule);
  request.write.format = flags.convert.format;
  request.write.dtype = flags.convert.dtype.value_or(request.write.dtype);
  const ExtractResult result = run_extract(request, context.progress, context.cancel);
  context.print_result(
      result.to_json(),
      layer_error_table(result.approximation) +
          fmt::format("{}  {}, {}, {} layers of rank {} at most, {} unchanged, {}\n", result.output.string(),
                      result.write.format, dtype_name(result.write.dtype), result.layers, result.rank,
                      result.unchanged_layers, size_text(static_cast<double>(result.size_bytes))));
}

void run_baking(const ConvertFlags& flags, CommandContext& context) {
  if (flags.bake.base.empty())
    throw Error(ErrorKind::kUsage, "convert: --bake", "the base to bake into is missing",
                "add --into BASE, a single file or diffusers folder");
  BakeRequest request = flags.bake;
  request.output = flags.convert.output;
  request.dtype = flags.convert.dtype;
  request.ignore_unused = flags.convert.ignore_unused;
  for (const std::string& text : flags.baked)
    request.adapters.push_back(parse_adapter("convert: --bake", text));
  const BakeResult result = run_bake(request, context.progress, context.cancel);
  context.print_result(
      result.to_json(),
      fmt::format("{}  {} of {} tensors changed, {}, {:.1f} s, {} at the peak\n", result.output.string(),
                  result.changed_tensors, result.tensors, size_text(static_cast<double>(result.size_bytes)),
                  result.seconds, size_text(static_cast<double>(result.peak_memory_bytes))));
}

/// Flags of another use would be dropped without a word.
void refuse_flags_of_other_uses(const CLI::App& app, const std::string& use,
                                const std::vector<std::string>& strangers) {
  for (const std::string& flag : strangers)
    if (app.count(flag) > 0)
      throw Error(ErrorKind::kUsage, "convert: " + use,
                  fmt::format("{} has no meaning here", flag == "files" ? "a file without a flag" : flag),
                  "run 'ziplora convert --help' for the three uses");
}

std::string dialects_help() {
  std::string text = "Write the LoRA file in this dialect of key names:";
  for (const KeyDialect& dialect : key_dialects())
    if (dialect.write) text += fmt::format("\n  {}: {}", dialect.name, dialect.summary);
  return text;
}

void add_shared_flags(CLI::App& app, ConvertFlags& flags) {
  ConvertRequest& request = flags.convert;
  app.add_option("files", request.inputs, "Convert these LoRA files, or folders written by PEFT or diffusers")
      ->type_name("FILE");
  app.add_option("-o,--output", request.output, "Write to this file; with several files, into this folder")
      ->type_name("FILE")
      ->required();
  app.add_option("--format", request.format, dialects_help())->type_name("DIALECT");
  add_dtype_flag(app, "--file-dtype", request.dtype,
                 fmt::format("Write the weights in this type; default: the input's; for --extract: {}",
                             dtype_name(flags.extract.write.dtype)));
  app.add_option("--rank", flags.rank,
                 fmt::format("Lower each layer's rank to this by SVD; default for --extract: {}",
                             flags.extract.rank_rule.most));
  app.add_option("--energy", flags.energy,
                 "Lower each layer's rank as far as this share of its squared norm stays, for example 0.99; "
                 "--rank caps it");
  app.add_option("--base", request.base,
                 "Name the base that the LoRA is for, a single file or diffusers folder; needed by DoRA and "
                 "other kinds whose change depends on its weights; default: SDXL, else the miniature")
      ->type_name("BASE");
  app.add_flag("--ignore-unused", request.ignore_unused, kIgnoreUnusedHelp);
}

void add_extract_flags(CLI::App& app, ExtractRequest& request) {
  const std::string group = "A LoRA out of two checkpoints";
  app.add_option("--extract", request.tuned,
                 "Extract what this fine-tuned checkpoint or diffusers folder learned")
      ->type_name("BASE")
      ->group(group);
  app.add_option("--from", request.base, "Name the checkpoint or folder that it was tuned from")
      ->type_name("BASE")
      ->group(group);
  app.add_flag("--vectors", request.vectors,
               "Keep differences of biases and norms too; fewer programs load such a file")
      ->group(group);
}

void add_bake_flags(CLI::App& app, ConvertFlags& flags) {
  const std::string group = "A LoRA into a checkpoint";
  app.add_option("--bake", flags.baked, "Add this LoRA to the weights; repeat the flag for several")
      ->type_name("FILE[:STRENGTH]")
      ->take_all()
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--into", flags.bake.base, "Take the weights of this checkpoint or diffusers folder")
      ->type_name("BASE")
      ->group(group);
}

}  // namespace

Verb convert_command(CLI::App& app) {
  auto flags = std::make_shared<ConvertFlags>();
  add_shared_flags(app, *flags);
  add_extract_flags(app, flags->extract);
  add_bake_flags(app, *flags);
  app.footer(example(
      "ziplora convert dog.safetensors --format diffusers --file-dtype f32 -o dog-diffusers.safetensors\n"
      "  ziplora convert dog.safetensors --energy 0.99 -o dog-small.safetensors\n"
      "  ziplora convert --extract tuned.safetensors --from sdxl.safetensors --rank 32 -o lora.safetensors\n"
      "  ziplora convert --bake dog.safetensors:0.8 --into sdxl.safetensors -o sdxl-dog.safetensors"));
  return {[flags, &app](CommandContext& context) {
    if (app.count("--extract") || app.count("--from")) {
      if (!app.count("--extract"))
        throw Error(ErrorKind::kUsage, "convert: --from", "the tuned model is missing",
                    "add --extract TUNED");
      refuse_flags_of_other_uses(app, "--extract",
                                 {"files", "--base", "--bake", "--into", "--ignore-unused"});
      run_extraction(*flags, context);
    } else if (app.count("--bake") || app.count("--into")) {
      refuse_flags_of_other_uses(app, "--bake",
                                 {"files", "--base", "--format", "--rank", "--energy", "--vectors"});
      run_baking(*flags, context);
    } else {
      refuse_flags_of_other_uses(app, "a conversion", {"--vectors"});
      run_plain_conversion(*flags, context);
    }
  }};
}

}  // namespace ziplora::cli
