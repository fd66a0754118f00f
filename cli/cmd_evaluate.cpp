// ziplora evaluate: ways of merging, compared on many pairs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/commands.h"
#include "cli/evaluation_table.h"
#include "cli/frame/shard_flag.h"
#include "cli/sampling_flags.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/evaluate.h"
#include "ziplora/app/evaluate_missing.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

struct EvaluateFlags {
  EvaluateRequest request;
  std::string device = DevicePolicy{}.device.str(), shard;
};

std::vector<std::string> names_of_protocols() {
  std::vector<std::string> names;
  for (const Protocol& protocol : protocols()) names.emplace_back(protocol.name);
  return names;
}

void add_flags(CLI::App& app, EvaluateFlags& flags) {
  EvaluateRequest& request = flags.request;
  app.add_option("manifest", request.manifest, "Compare on the pairs of this JSON file")
      ->type_name("FILE")
      ->required();
  app.add_option("-o,--output", request.output,
                 "Keep merges, images and tables in this folder; what it holds is not made again")
      ->type_name("FOLDER");
  app.add_option("--methods", request.methods,
                 "Compare the list in this JSON file; default: the manifest's, or every method and strategy")
      ->type_name("FILE");
  app.add_option(
         "--protocol", request.protocol,
         fmt::format(
             "Follow the paper ({}): take its number of seeds where the manifest has none, and say what else "
             "differs",
             fmt::join(names_of_protocols(), ", ")))
      ->type_name("NAME");
  app.add_option("--only", request.only,
                 "Compare this one alone, by its name in the list or in the program; repeat for more")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option(
         "--judge", request.judges,
         "Score with this folder of CLIP, DINO, DINOv2 or CSD, or with pixels; repeat for more; default, on "
         "the miniature: its own judge and pixels")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
  app.add_option("--group", request.groups, "Take the pairs of this group; repeat for more")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--shard", flags.shard, shard_help("Make one part of the images, as 1/4, and no tables"))
      ->type_name("PART/PARTS");
  app.add_flag(
      "--gather", request.gather,
      "Make nothing: write the tables of the pairs that are complete, and name what is missing (exit code 1)");
  app.add_option("--take-in", request.from,
                 "With --gather, take in merges and images of this folder first, as another machine wrote it "
                 "with -o; repeat for more")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
  app.add_option("--base", request.base,
                 "Merge and draw with this diffusers folder or SDXL checkpoint; default: the miniature")
      ->type_name("PATH");
  app.add_option("--seed", request.seed, "Seed merges that draw or learn, and the resampling of intervals");
  add_sampling_flags(app, request.sampling, request.policy, flags.device);
}

}  // namespace

Verb evaluate_command(CLI::App& app) {
  auto flags = std::make_shared<EvaluateFlags>();
  add_flags(app, *flags);
  app.footer(example("ziplora evaluate pairs/manifest.json --judge dino-vits16 -o out/pairs"));
  return {[flags](CommandContext& context) {
    EvaluateRequest request = flags->request;
    if (!request.gather || !flags->shard.empty())
      request.shard = shard_of(flags->shard, "evaluate: --shard", context.progress);
    if (!request.from.empty() && !request.gather)
      throw Error(ErrorKind::kUsage, "evaluate: --take-in", "folders are taken in to be gathered",
                  "add --gather");
    request.policy = parse_device_policy(flags->device, request.policy.dtype, "evaluate: --device");
    const EvaluateResult result = run_evaluate(request, context.progress, context.cancel);
    context.print_result(to_json(result), evaluation_table(result));
    require_complete(result);
  }};
}

}  // namespace ziplora::cli
