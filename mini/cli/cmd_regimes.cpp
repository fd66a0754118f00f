// ziplora-mini regimes: LoRAs and true drawings for `ziplora evaluate`.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "cli/frame/shard_flag.h"
#include "mini/cli/commands.h"
#include "mini/cli/world_flags.h"
#include "mini/regimes/make_regimes.h"
#include "mini/regimes/regime_plan.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini::cli {
namespace {

struct RegimesFlags {
  RegimesRequest request;
  std::string half = "development", shard;
  std::optional<std::filesystem::path> settings;
};

std::string regimes_help() {
  std::string help = "Train the LoRAs of these regimes alone";
  for (const Regime& regime : regimes()) help += fmt::format("; {}: {}", regime.name, regime.summary);
  return help;
}

RegimesRequest request_of(const RegimesFlags& flags, ProgressSink& progress) {
  RegimesRequest request = flags.request;
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "ziplora-mini regimes", "there is no output folder", "add -o out/regimes");
  request.half = flags.half == "report" ? Purpose::kReport : Purpose::kDevelopment;
  request.shard = ziplora::cli::shard_of(flags.shard, "regimes: --shard", progress);
  if (flags.settings) request.settings = read_json_file(*flags.settings);
  return request;
}

}  // namespace

Verb regimes_command(CLI::App& app) {
  auto flags = std::make_shared<RegimesFlags>();
  RegimesRequest& request = flags->request;
  app.add_option("-o,--output", request.output, "Write LoRAs, images and manifest.json to this folder")
      ->type_name("FOLDER");
  app.add_option("--half", flags->half, "Take this half of what is held out")
      ->check(CLI::IsMember({"development", "report"}));
  app.add_option("--groups", request.regimes, regimes_help())->delimiter(',');
  app.add_option("--subjects", request.subjects, "Train INT subjects of each regime; -1 trains all");
  app.add_option("--seeds", request.scope.seeds, "Have each pair drawn from INT noises")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--own-prompts", request.scope.own_prompts,
               "Have each merge drawn under the LoRAs' own prompts, too, to see what is kept of each");
  app.add_flag("--together", request.together,
               "Train one LoRA on both sets of images of each pair, too, and name them in together.json");
  app.add_option("--lora-settings", flags->settings,
                 "Train with the settings of this JSON file in place of the recipes'")
      ->type_name("FILE");
  app.add_option(
         "--shard", flags->shard,
         ziplora::cli::shard_help("Train only this part of the LoRAs: 1/2 is every other, 2/2 the rest"))
      ->type_name("PART/PARTS");
  app.add_option("--base", request.base, "Train on the miniature, or on a base that was trained in its world")
      ->type_name("FOLDER");
  add_world_flags(app, request.world);
  app.footer(example("ziplora-mini regimes --half development --groups B -o out/regimes"));
  return {[flags](CommandContext& context) {
    const RegimesResult result =
        make_regimes(request_of(*flags, context.progress), context.progress, context.cancel);
    context.print_result(to_json(result),
                         fmt::format("{}  {} of {} LoRAs, {} pairs with both", result.manifest.string(),
                                     result.loras, result.planned, result.pairs));
  }};
}

}  // namespace ziplora::mini::cli
