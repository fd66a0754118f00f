// ziplora inspect: what LoRA files are, what is wrong with them, and which programs load them.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/inspect_table.h"
#include "ziplora/app/inspect.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

void print(const InspectResult& result, const CommandContext& context) {
  std::string text;
  for (const InspectedFile& file : result.files) text += (text.empty() ? "" : "\n") + inspect_table(file);
  context.print_result(to_json(result), text);
}

}  // namespace

Verb inspect_command(CLI::App& app) {
  auto request = std::make_shared<InspectRequest>();
  auto check = std::make_shared<bool>(false);
  app.add_option("files", request->files, "Inspect these LoRA files, or folders written by PEFT or diffusers")
      ->type_name("FILE")
      ->required();
  app.add_option("--base", request->base,
                 "Compare the files with the layers of this diffusers folder or SDXL checkpoint; without it "
                 "with SDXL's, then with the miniature's")
      ->type_name("BASE");
  app.add_flag("--check", *check, "Exit with 7 if a defect is found");
  app.footer(example("ziplora inspect --check dog.safetensors ink.safetensors"));
  return {[request, check](CommandContext& context) {
    const InspectResult result = run_inspect(*request, context.progress, context.cancel);
    const Error* error = result.first_error();
    const bool is_only_an_error = result.files.size() == 1 && error;
    if (!is_only_an_error) print(result, context);
    if (error) throw *error;
    if (const size_t defects = result.defects(); *check && defects > 0)
      throw Error(ErrorKind::kBelowThreshold, "inspect --check",
                  fmt::format("{} {} found", defects, defects == 1 ? "defect was" : "defects were"),
                  "the report above says how to mend each");
  }};
}

}  // namespace ziplora::cli
