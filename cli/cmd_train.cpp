// ziplora train: pictures and a prompt in, a LoRA file out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "command.h"
#include "ziplora/app/train.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

struct TrainFlags {
  TrainRequest request;
  std::vector<std::string> images;
  std::optional<std::string> base;
  std::string output, resume, run_folder;
};

std::string help_with_choices(const TrainSetting& setting) {
  if (setting.choices.empty()) return setting.help;
  return fmt::format("{} ({})", setting.help, fmt::join(setting.choices, ", "));
}

/// A flag for each row of the settings table. What is given lands in request.settings; what is not, is left
/// to the base's defaults.
void add_settings(CLI::App& app, const std::shared_ptr<TrainFlags>& flags) {
  for (const TrainSetting& setting : train_settings_table()) {
    const std::string name = setting.name;
    std::visit(
        [&](auto member) {
          using Value = std::remove_cvref_t<decltype(TrainSettings{}.*member)>;
          if constexpr (std::is_same_v<Value, bool>) {
            const std::string flag = setting.flag();
            app.add_flag_function(
                flag + ",!--no-" + flag.substr(2),
                [flags, name](int64_t count) { flags->request.settings[name] = count > 0; }, setting.help);
          } else {
            using Given = std::conditional_t<std::is_same_v<Value, std::optional<double>>, double, Value>;
            app.add_option_function<Given>(
                setting.flag(), [flags, name](const Given& value) { flags->request.settings[name] = value; },
                help_with_choices(setting));
          }
        },
        setting.member);
  }
}

}  // namespace

Run train_command(CLI::App& app) {
  auto flags = std::make_shared<TrainFlags>();
  app.add_option("images", flags->images,
                 "pictures and folders of pictures; dog.txt beside dog.png is its caption");
  app.add_option("-o,--output", flags->output, "the LoRA file to write (.safetensors)");
  app.add_option("--prompt", flags->request.prompt,
                 "what the pictures show, with a rare word: \"a sks dog\"");
  app.add_option("--base", flags->base,
                 "diffusers folder or single-file checkpoint; absent: the embedded base");
  add_settings(app, flags);
  app.add_option("--resume", flags->resume, "go on from a run folder or one of its checkpoints, bit for bit");
  app.add_option("--run-folder", flags->run_folder,
                 "where checkpoints, samples and metrics go (default: runs/<output>)");
  app.add_option("--device", flags->request.device, "cpu, cuda, cuda:1")->capture_default_str();
  app.footer(example("ziplora train photos/ --prompt \"a sks dog\" -o dog.safetensors"));
  return [flags](CommandContext& context) {
    TrainRequest& request = flags->request;
    request.images.assign(flags->images.begin(), flags->images.end());
    request.output = flags->output;
    if (flags->base) request.base = *flags->base;
    request.run_folder = flags->run_folder;
    if (!flags->resume.empty()) request.resume = flags->resume;
    const TrainResult result = run_train(request, context.progress, context.cancel);
    context.print_result(
        result.report,
        fmt::format("{}  {} layers, {} iterations in {:.0f} s, loss {:.4f} → {:.4f}\n",
                    result.output.string(), result.report.at("layers").get<int64_t>(),
                    result.report.at("iterations").get<int64_t>(), result.report.at("seconds").get<double>(),
                    result.report.at("loss_first").get<double>(),
                    result.report.at("loss_last").get<double>()));
  };
}

}  // namespace ziplora::cli
