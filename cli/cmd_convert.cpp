// ziplora convert: LoRA files between formats, dtypes and ranks; a LoRA out of two checkpoints; a LoRA into
// one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/dtype_flag.h"
#include "cli/frame/size_text.h"
#include "layer_error_table.h"
#include "ziplora/app/convert.h"
#include "ziplora/app/convert_bake.h"
#include "ziplora/app/convert_extract.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora::cli {
namespace {

struct ConvertFlags {
  std::vector<std::string> files;
  std::string output, format = "kohya";
  std::optional<at::ScalarType> file_dtype;
  std::optional<std::string> base;
  std::optional<int64_t> rank;
  std::optional<double> energy;
  std::optional<std::string> extract, from;
  bool vectors = false;
  std::vector<std::string> bake;
  std::optional<std::string> into;
};

/// @param unless_given  the rank where neither flag is there
std::optional<RankRule> given_rank_rule(const ConvertFlags& flags, std::optional<RankRule> unless_given) {
  if (!flags.rank && !flags.energy) return unless_given;
  RankRule rule;
  if (flags.rank) rule.most = *flags.rank;
  if (flags.energy) rule.energy = *flags.energy;
  rule.check("convert: --rank, --energy");
  return rule;
}

void run_plain_conversion(const ConvertFlags& flags, CommandContext& context) {
  ConvertRequest request{.inputs = {flags.files.begin(), flags.files.end()},
                         .output = flags.output,
                         .format = flags.format,
                         .dtype = flags.file_dtype,
                         .rank_rule = given_rank_rule(flags, std::nullopt),
                         .base = {}};
  if (flags.base) request.base = *flags.base;
  const nlohmann::json report = run_convert(request, context.progress, context.cancel);
  std::string text;
  for (const nlohmann::json& file : report["files"]) {
    if (file.contains("per_layer")) text += layer_error_table(file);
    text += fmt::format("{}  {}, {}, {} layers of rank {}{}, {}\n", file["output"].get<std::string>(),
                        file["format"].get<std::string>(), file["dtype"].get<std::string>(),
                        file["layers"].get<int64_t>(), request.rank_rule ? "at most " : "up to ",
                        file["rank"].get<int64_t>(), size_text(file["size_bytes"].get<double>()));
  }
  context.print_result(report, text);
}

void run_extraction(const ConvertFlags& flags, CommandContext& context) {
  if (!flags.from)
    throw Error(ErrorKind::kUsage, "convert: --extract", "what it was tuned from is missing",
                "add --from BASE, a checkpoint or diffusers folder");
  const ExtractRequest request{.tuned = *flags.extract,
                               .base = *flags.from,
                               .output = flags.output,
                               .rank_rule = *given_rank_rule(flags, ExtractRequest{}.rank_rule),
                               .vectors = flags.vectors,
                               .format = flags.format,
                               .dtype = flags.file_dtype.value_or(at::kHalf)};
  const nlohmann::json report = run_extract(request, context.progress, context.cancel);
  context.print_result(report, layer_error_table(report) +
                                   fmt::format("{}  {}, {}, {} layers of rank {} at most, {} unchanged, {}\n",
                                               flags.output, flags.format, report["dtype"].get<std::string>(),
                                               report["layers"].get<int64_t>(), report["rank"].get<int64_t>(),
                                               report["unchanged_layers"].get<int64_t>(),
                                               size_text(report["size_bytes"].get<double>())));
}

void run_baking(const ConvertFlags& flags, CommandContext& context) {
  if (!flags.into)
    throw Error(ErrorKind::kUsage, "convert: --bake", "the checkpoint to bake into is missing",
                "add --into CHECKPOINT, a single file or diffusers folder");
  BakeRequest request{.adapters = {}, .base = *flags.into, .output = flags.output, .dtype = flags.file_dtype};
  for (const std::string& text : flags.bake)
    request.adapters.push_back(parse_adapter("convert: --bake", text));
  const nlohmann::json report = run_bake(request, context.progress, context.cancel);
  context.print_result(
      report, fmt::format("{}  {} of {} tensors changed, {}, {:.1f} s, {} at the peak\n", flags.output,
                          report["changed_tensors"].get<int64_t>(), report["tensors"].get<int64_t>(),
                          size_text(report["size_bytes"].get<double>()), report["seconds"].get<double>(),
                          size_text(report["peak_memory_bytes"].get<double>())));
}

/// Flags of another use would be dropped without a word.
void refuse_flags_of_other_uses(const CLI::App& app, const std::string& use,
                                const std::vector<std::string>& strangers) {
  for (const std::string& flag : strangers)
    if (app.get_option(flag)->count() > 0)
      throw Error(ErrorKind::kUsage, "convert: " + use,
                  fmt::format("{} has no meaning here", flag == "files" ? "a file without a flag" : flag),
                  "run 'ziplora convert --help' for the three uses");
}

std::string formats_help() {
  std::string text = "key family of the LoRA file:";
  for (const KeyDialect& dialect : key_dialects())
    if (dialect.write) text += fmt::format("\n  {}: {}", dialect.name, dialect.summary);
  return text;
}

}  // namespace

Verb convert_command(CLI::App& app) {
  auto flags = std::make_shared<ConvertFlags>();
  app.add_option("files", flags->files, "LoRA files, or folders written by PEFT or diffusers");
  app.add_option("-o,--output", flags->output, "the file to write; of several files: a folder for them")
      ->required();
  app.add_option("--format", flags->format, formats_help());
  add_dtype_flag(app, "--file-dtype", flags->file_dtype,
                 "Write the weights in this type; default: the input's, of --extract float16");
  app.add_option("--rank", flags->rank, "lower each layer's rank to this by SVD; default of --extract: 64");
  app.add_option("--energy", flags->energy,
                 "lower each layer's rank as far as this share of its squared norm stays, for example 0.99; "
                 "--rank caps it");
  app.add_option(
      "--base", flags->base,
      "diffusers folder or checkpoint that the LoRA is for; needed by DoRA and others whose change "
      "depends on its weights; default: SDXL, else the mini");
  const std::string extract = "A LoRA out of two checkpoints", bake = "A LoRA into a checkpoint";
  app.add_option("--extract", flags->extract, "fine-tuned checkpoint or diffusers folder")->group(extract);
  app.add_option("--from", flags->from, "the checkpoint or folder that it was tuned from")->group(extract);
  app.add_flag("--vectors", flags->vectors,
               "keep differences of biases and norms too; fewer programs load such a file")
      ->group(extract);
  app.add_option("--bake", flags->bake, "LoRA FILE or FILE:scale; repeat it for several")
      ->take_all()
      ->allow_extra_args(false)
      ->group(bake);
  app.add_option("--into", flags->into, "checkpoint or diffusers folder whose weights they are added to")
      ->group(bake);
  app.footer(example(
      "ziplora convert dog.safetensors --format diffusers --file-dtype f32 -o dog-diffusers.safetensors\n"
      "  ziplora convert dog.safetensors --energy 0.99 -o dog-small.safetensors\n"
      "  ziplora convert --extract tuned.safetensors --from sdxl.safetensors --rank 32 -o lora.safetensors\n"
      "  ziplora convert --bake dog.safetensors:0.8 --into sdxl.safetensors -o sdxl-dog.safetensors"));
  return {[flags, &app](CommandContext& context) {
    if (flags->extract || flags->from) {
      if (!flags->extract)
        throw Error(ErrorKind::kUsage, "convert: --from", "the tuned checkpoint is missing",
                    "add --extract TUNED");
      refuse_flags_of_other_uses(app, "--extract", {"files", "--base", "--bake", "--into"});
      run_extraction(*flags, context);
    } else if (!flags->bake.empty() || flags->into) {
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
