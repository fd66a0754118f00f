// ziplora train: images and a prompt in, a LoRA file out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "cli/commands.h"
#include "ziplora/app/default_base.h"
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

/// What is taken where neither flag nor base says otherwise, and by the embedded base's defaults.
struct Defaults {
  nlohmann::json general = to_json(TrainSettings{}), embedded = general;

  Defaults() {
    try {
      embedded = to_json(resolve_train_settings(resolve_base(std::nullopt), nlohmann::json::object()));
    } catch (const Error&) {
      // Help does not depend on a base; training says what is wrong with it.
    }
  }
};

std::string help_of(const TrainSetting& setting, const Defaults& defaults) {
  std::string help = setting.help;
  if (!setting.choices.empty()) help += fmt::format(" ({})", fmt::join(setting.choices, ", "));
  const auto text = [&](const nlohmann::json& all) {
    const nlohmann::json& value = all.at(setting.name);
    if (value.is_boolean()) return std::string(value.get<bool>() ? "on" : "off");
    if (value.is_null() || value.empty()) return std::string();
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const std::string general = text(defaults.general), embedded = text(defaults.embedded);
  if (general.empty()) return help;
  return help + (general == embedded ? fmt::format(" [{}]", general)
                                     : fmt::format(" [{}; the embedded base: {}]", general, embedded));
}

/// What a flag reads for a setting's value: names of types stay names, which the settings resolve.
template <class Value>
using GivenValue =
    std::conditional_t<std::is_same_v<Value, std::optional<double>>, double,
                       std::conditional_t<std::is_same_v<Value, at::ScalarType>, std::string, Value>>;

/// A flag for each row of the settings table. What is given lands in request.settings; what is not, is left
/// to the base's defaults.
void add_settings(CLI::App& app, const std::shared_ptr<TrainFlags>& flags) {
  const Defaults defaults;
  for (const TrainSetting& setting : train_settings_table()) {
    const std::string name = setting.name;
    std::visit(
        [&](auto member) {
          using Value = std::remove_cvref_t<decltype(TrainSettings{}.*member)>;
          if constexpr (std::is_same_v<Value, bool>) {
            const std::string flag = setting.flag();
            app.add_flag_function(
                flag + ",!--no-" + flag.substr(2),
                [flags, name](int64_t count) { flags->request.settings[name] = count > 0; },
                help_of(setting, defaults));
          } else {
            using Given = GivenValue<Value>;
            CLI::Option* option = app.add_option_function<Given>(
                setting.flag(), [flags, name](const Given& value) { flags->request.settings[name] = value; },
                help_of(setting, defaults));
            if constexpr (std::is_same_v<Value, std::vector<std::string>>)
              option->allow_extra_args(false);  // else a list would swallow the images after it
          }
        },
        setting.member);
  }
}

}  // namespace

Verb train_command(CLI::App& app) {
  auto flags = std::make_shared<TrainFlags>();
  app.add_option("images", flags->images,
                 "images and folders of images; dog.txt beside dog.png is its caption");
  app.add_option("-o,--output", flags->output, "the LoRA file to write (.safetensors)");
  app.add_option("--prompt", flags->request.prompt, "what the images show, with a rare word: \"a sks dog\"");
  app.add_option("--base", flags->base,
                 "diffusers folder or single-file checkpoint; absent: the embedded base");
  add_settings(app, flags);
  app.add_option("--resume", flags->resume, "go on from a run folder or one of its checkpoints, bit for bit");
  app.add_option("--run-folder", flags->run_folder,
                 "where checkpoints, samples and metrics go (default: runs/<output>)");
  app.add_option("--device", flags->request.device, "cpu, cuda, cuda:1")->capture_default_str();
  app.footer(example("ziplora train photos/ --prompt \"a sks dog\" -o dog.safetensors"));
  return {[flags](CommandContext& context) {
    TrainRequest& request = flags->request;
    request.images.assign(flags->images.begin(), flags->images.end());
    request.output = flags->output;
    if (flags->base) request.base = *flags->base;
    request.run_folder = flags->run_folder;
    if (!flags->resume.empty()) request.resume = flags->resume;
    const TrainResult result = run_train(request, context.progress, context.cancel);
    const auto number = [&](const char* name) { return result.report.at(name).get<double>(); };
    const bool has_class = number("class_images") > 0;
    context.print_result(result.report,
                         fmt::format("{}  {:.0f} layers, {:.0f} iterations in {:.0f} s, {} {:.4f} → {:.4f}\n",
                                     result.output.string(), number("layers"), number("iterations"),
                                     number("seconds"), has_class ? "loss of its own images" : "loss",
                                     number("instance_loss_first"), number("instance_loss_last")));
  }};
}

}  // namespace ziplora::cli
