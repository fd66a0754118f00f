#include "ziplora/app/evaluate.h"

#include <fmt/format.h>

#include <chrono>

#include "ziplora/app/evaluate_commands.h"
#include "ziplora/app/evaluate_missing.h"
#include "ziplora/app/evaluate_work.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/evaluate/evaluation_page.h"
#include "ziplora/evaluate/evaluation_text.h"
#include "ziplora/evaluate/judge.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

/// @return what was written
std::vector<std::filesystem::path> write_results(const EvaluateRequest& request,
                                                 const EvaluateResult& result) {
  const std::filesystem::path page = request.output / "report.html",
                              json = request.output / "evaluation.json", csv = request.output / "images.csv";
  nlohmann::json figures = to_json(result);
  figures["command_line"] = command_of(request);
  for (size_t i = 0; i < result.evaluation.contenders.size(); ++i)
    figures["contenders"][i]["command"] = command_of(result.evaluation.contenders[i]);
  write_json_file(json, figures);
  write_text_file(csv, images_csv(result.evaluation, request.output));
  write_text_file(page, evaluation_page(figures, result.evaluation));
  return {page, json, csv};
}

nlohmann::json to_json(const FollowedProtocol& followed) {
  const Protocol& protocol = *followed.protocol;
  return {{"name", protocol.name},
          {"source", protocol.source},
          {"scores", protocol.scores},
          {"differences", followed.differences}};
}

/// Before the work, which may take hours.
void note_protocol(const FollowedProtocol& followed, ProgressSink& progress) {
  const Protocol& protocol = *followed.protocol;
  progress.note(fmt::format("{} scores by {}", protocol.source, protocol.scores));
  for (const std::string& difference : followed.differences)
    progress.warning(fmt::format("not as in {}: {}", protocol.source, difference));
}

}  // namespace

nlohmann::json to_json(const EvaluateResult& result) {
  nlohmann::json json = to_json(result.evaluation, result.tables);
  json["command"] = "evaluate";
  json["merged"] = result.merged;
  json["drawn"] = result.drawn;
  for (const MissingWork& missing : result.missing) json["missing"].push_back(to_json(missing, result));
  json["seconds"] = result.seconds;
  if (result.protocol) json["protocol"] = to_json(*result.protocol);
  for (const std::filesystem::path& file : result.files) json["files"].push_back(file.string());
  return json;
}

EvaluateResult run_evaluate(const EvaluateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel) {
  const auto started = std::chrono::steady_clock::now();
  const EvaluatePlan plan = plan_of(request);
  if (plan.protocol) note_protocol(*plan.protocol, progress);
  for (const std::string& judge : plan.judges) Judge{judge};  // before hours of drawing
  EvaluateWork work(request, plan, progress, cancel);
  EvaluateResult result{.evaluation = {plan.manifest, plan.contenders, {}},
                        .tables = {},
                        .protocol = plan.protocol,
                        .files = {}};
  if (request.gather)
    work.gather(result);
  else
    work.make(result);
  const bool has_tables = request.shard.is_whole() && work.has_pairs();
  if (has_tables) {
    work.score(result);
    result.tables = tables_of(result.evaluation, request.seed);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (has_tables) result.files = write_results(request, result);
  return result;
}

}  // namespace ziplora
