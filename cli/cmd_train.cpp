// ziplora train: images and a prompt in, a LoRA file out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "cli/commands.h"
#include "cli/team_work.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/train.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

struct TrainFlags {
  TrainRequest request;
  std::optional<std::string> base, resume;
};

/// What a run takes where no flag says otherwise: in general, and on the miniature.
struct Defaults {
  nlohmann::json general = to_json(TrainSettings{}), miniature = general;

  Defaults() {
    try {
      miniature = to_json(resolve_train_settings(resolve_base(std::nullopt), nlohmann::json::object()));
    } catch (const Error&) {
      // Help does not depend on a base; training says what is wrong with it.
    }
  }
};

std::string help_of(const TrainSetting& setting, const Defaults& defaults) {
  std::string help = setting.help;
  if (!setting.choices.empty()) help += fmt::format(": {}", fmt::join(setting.choices, ", "));
  const auto text = [&](const nlohmann::json& all) {
    const nlohmann::json& value = all.at(setting.name);
    if (value.is_boolean()) return std::string(value.get<bool>() ? "on" : "off");
    if (value.is_null() || value.empty()) return std::string();
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const std::string general = text(defaults.general), miniature = text(defaults.miniature);
  if (general.empty()) return help;
  return help + (general == miniature ? fmt::format(" (default {})", general)
                                      : fmt::format(" (default {}; the miniature: {})", general, miniature));
}

/// What a flag reads for a setting's value: names of types stay names, which the settings resolve.
template <class Value>
using GivenValue =
    std::conditional_t<std::is_same_v<Value, std::optional<double>>, double,
                       std::conditional_t<std::is_same_v<Value, at::ScalarType>, std::string, Value>>;

/// A flag for each row of the settings table. What is given lands in the request's settings; what is not, is
/// left to the base's defaults.
void add_settings(CLI::App& app, const std::shared_ptr<TrainFlags>& flags) {
  const Defaults defaults;
  for (const TrainSetting& setting : train_settings_table()) {
    const std::string name = setting.name, flag = setting.flag(), help = help_of(setting, defaults);
    std::visit(
        [&](auto member) {
          using Value = std::remove_cvref_t<decltype(TrainSettings{}.*member)>;
          if constexpr (std::is_same_v<Value, bool>) {
            app.add_flag_function(
                flag + ",!--no-" + flag.substr(2),
                [flags, name](int64_t count) { flags->request.settings[name] = count > 0; }, help);
          } else {
            using Given = GivenValue<Value>;
            CLI::Option* option = app.add_option_function<Given>(
                flag, [flags, name](const Given& value) { flags->request.settings[name] = value; }, help);
            if (std::is_same_v<Value, at::ScalarType>)
              option->type_name("DTYPE");
            else if (!setting.choices.empty())
              option->type_name("NAME");
            if constexpr (std::is_same_v<Value, std::vector<std::string>>)
              option->allow_extra_args(false);  // else a list would swallow the images after it
          }
        },
        setting.member);
  }
}

std::string summary(const TrainResult& result) {
  const LossCourse& loss = result.instance_loss;
  return fmt::format("{}  {} layers, {} iterations in {:.0f} s, {} {:.4f} → {:.4f}\n", result.output.string(),
                     result.layers, result.iterations, result.seconds,
                     result.class_images > 0 ? "loss of its own images" : "loss", loss.first, loss.last);
}

}  // namespace

Verb train_command(CLI::App& app) {
  auto flags = std::make_shared<TrainFlags>();
  TrainRequest& request = flags->request;
  app.add_option("images", request.images,
                 "Learn from these images and folders of images; dog.txt beside dog.png is its caption")
      ->type_name("FILE");
  app.add_option("-o,--output", request.output, "Write the LoRA to this file (.safetensors)")
      ->type_name("FILE");
  app.add_option("--prompt", request.prompt, "Say what the images show, with a rare word: \"a sks dog\"");
  app.add_option("--base", flags->base,
                 "Train on this diffusers folder or SDXL checkpoint (default: the miniature)")
      ->type_name("FILE");
  add_settings(app, flags);
  app.add_option("--resume", flags->resume, "Go on from a run folder or one of its checkpoints, bit for bit")
      ->type_name("FILE");
  app.add_option("--run-folder", request.run_folder,
                 "Keep checkpoints, samples and metrics in this folder (default: runs/<output>)")
      ->type_name("FOLDER");
  app.add_option("--device", request.device, "Run on this device: cpu, cuda, cuda:1")->type_name("DEVICE");
  app.footer(example("ziplora train photos/ --prompt \"a sks dog\" -o dog.safetensors"));
  return {[flags](CommandContext& context) {
    TrainRequest& request = flags->request;
    if (flags->base) request.base = *flags->base;
    if (flags->resume && !flags->resume->empty()) request.resume = *flags->resume;
    in_team(context, "train", [&](Team& team, ProgressSink& progress) {
      request.team = &team;
      const TrainResult result = run_train(request, progress, context.cancel);
      if (team.leads()) context.print_result(to_json(result), summary(result));
    });
  }};
}

}  // namespace ziplora::cli
