// ziplora train: pictures and a prompt in, a LoRA file out.
#include <fmt/format.h>

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
  std::string output, resume, run_folder, file_dtype = "float16", dtype = "float32", device = "cpu";
};

at::ScalarType dtype_of(const std::string& name) {
  return name == "float32" ? at::kFloat : name == "bfloat16" ? at::kBFloat16 : at::kHalf;
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
            CLI::Option* option = app.add_option_function<Given>(
                setting.flag(), [flags, name](const Given& value) { flags->request.settings[name] = value; },
                setting.help);
            if (!setting.choices.empty()) option->check(CLI::IsMember(setting.choices));
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
  app.add_option("--checkpoint-every", flags->request.checkpoint_every,
                 "iterations between checkpoints (0: none)")
      ->capture_default_str();
  app.add_option("--resume", flags->resume, "go on from a run folder or one of its checkpoints, bit for bit");
  app.add_option("--run-folder", flags->run_folder,
                 "where checkpoints, samples and metrics go (default: runs/<output>)");
  app.add_option("--sample-prompt", flags->request.sample_prompt,
                 "prompt of the sample pictures (default: --prompt)");
  app.add_option("--sample-every", flags->request.sample_every,
                 "iterations between sample pictures (0: none)")
      ->capture_default_str();
  app.add_option("--format", flags->request.format, "key names of the file: kohya, diffusers, peft")
      ->capture_default_str();
  app.add_option("--file-dtype", flags->file_dtype, "of the written factors")
      ->check(CLI::IsMember({"float16", "bfloat16", "float32"}))
      ->capture_default_str();
  app.add_option("--dtype", flags->dtype, "of the base's weights; the factors learn in float32")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->capture_default_str();
  app.add_option("--device", flags->device, "cpu, cuda, cuda:1")->capture_default_str();
  app.footer(example("ziplora train photos/ --prompt \"a sks dog\" -o dog.safetensors"));
  return [flags](CommandContext& context) {
    TrainRequest& request = flags->request;
    request.images.assign(flags->images.begin(), flags->images.end());
    request.output = flags->output;
    if (flags->base) request.base = *flags->base;
    request.run_folder = flags->run_folder;
    if (!flags->resume.empty()) request.resume = flags->resume;
    request.file_dtype = dtype_of(flags->file_dtype);
    request.policy = {at::Device(flags->device), dtype_of(flags->dtype)};
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
