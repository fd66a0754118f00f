// ziplora inspect: what LoRA files are, what is wrong with them, and who can load them.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "inspect_table.h"
#include "ziplora/app/inspect.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {

Verb inspect_command(CLI::App& app) {
  struct InspectFlags {
    std::vector<std::string> files;
    std::string base;
    bool check = false;
  };
  auto flags = std::make_shared<InspectFlags>();
  app.add_option("files", flags->files, "LoRA files, or folders written by PEFT or diffusers")->required();
  app.add_option("--base", flags->base,
                 "diffusers folder or checkpoint whose layers they are for; default: SDXL, else the mini");
  app.add_flag("--check", flags->check, "exit with 7 if a defect is found");
  app.footer(example("ziplora inspect --check dog.safetensors ink.safetensors"));
  return {[flags](CommandContext& context) {
    InspectRequest request{.files = {flags->files.begin(), flags->files.end()}, .base = {}};
    if (!flags->base.empty()) request.base = flags->base;
    const InspectResult result = run_inspect(request, context.progress, context.cancel);
    const bool only_an_error = request.files.size() == 1 && result.first_error;
    std::string text;
    for (const auto& file : result.report["files"]) text += (text.empty() ? "" : "\n") + inspect_table(file);
    if (!only_an_error) context.print_result(result.report, text);
    if (result.first_error) throw *result.first_error;
    const size_t defects = result.report["defects"];
    if (flags->check && defects > 0)
      throw Error(ErrorKind::kBelowThreshold, "inspect --check",
                  fmt::format("{} {} found", defects, defects == 1 ? "defect was" : "defects were"),
                  "each is named above with what mends it");
  }};
}

}  // namespace ziplora::cli
