#include "ziplora/app/evaluate_commands.h"

#include <fmt/format.h>

#include "ziplora/base/dtype_name.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

/// As a shell takes it for one word.
std::string word(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+%@";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// Flags of what is not as in a request of which nothing was said.
class Flags {
 public:
  explicit Flags(std::string command) : text_(std::move(command)) {}

  template <class Value>
  void add(const std::string& flag, const Value& value, const Value& usual) {
    if (value != usual) text_ += fmt::format(" --{} {}", flag, word(fmt::format("{}", value)));
  }
  void add_each(const std::string& flag, const std::vector<std::string>& values) {
    for (const std::string& value : values) text_ += fmt::format(" --{} {}", flag, word(value));
  }
  void add_options(const nlohmann::json& options) {
    for (const auto& [name, value] : options.items()) {
      if (value.is_boolean())
        text_ += fmt::format(" --{}{}", value.get<bool>() ? "" : "no-", name);
      else
        text_ += fmt::format(" --{} {}", name,
                             word(value.is_string() ? value.get<std::string>() : json_line(value)));
    }
  }
  void add_text(const std::string& text) { text_ += " " + text; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string with_strength(const std::string& what, double strength) {
  return strength == 1 ? what : fmt::format("{}:{}", what, strength);
}

std::string merge_command(const Contender& contender) {
  Flags options("");
  options.add_options(contender.options);
  std::string command = fmt::format(
      "ziplora merge --method {}{} --subject {} --style {} -o MERGED", contender.by, options.text(),
      with_strength("SUBJECT", contender.strengths[0]), with_strength("STYLE", contender.strengths[1]));
  if (contender.style_strength != 1)
    command += fmt::format(" && ziplora generate PROMPT --adapter MERGED --style-strength {} -o IMAGE",
                           contender.style_strength);
  return command;
}

std::string strategy_command(const Contender& contender) {
  Flags options("");
  options.add_options(contender.options);
  return fmt::format("ziplora generate PROMPT --strategy {}{} --subject {} --style {} -o IMAGE", contender.by,
                     options.text(), with_strength("SUBJECT", contender.strengths[0]),
                     with_strength("STYLE", contender.strengths[1] * contender.style_strength));
}

}  // namespace

std::string command_of(const EvaluateRequest& request) {
  const EvaluateRequest usual;
  const SamplingOptions &sampling = request.sampling, &usual_sampling = usual.sampling;
  Flags flags("ziplora evaluate " + word(request.manifest.string()));
  if (request.methods) flags.add_text("--methods " + word(request.methods->string()));
  if (request.protocol) flags.add_text("--protocol " + word(*request.protocol));
  flags.add_each("only", request.only);
  flags.add_each("judge", request.judges);
  flags.add_each("group", request.groups);
  if (request.base) flags.add_text("--base " + word(request.base->string()));
  flags.add("seed", request.seed, usual.seed);
  flags.add("steps", sampling.steps, usual_sampling.steps);
  flags.add("guidance-scale", sampling.guidance_scale, usual_sampling.guidance_scale);
  flags.add("guidance-rescale", sampling.guidance_rescale, usual_sampling.guidance_rescale);
  flags.add("scheduler", sampling.scheduler, usual_sampling.scheduler);
  if (sampling.karras_sigmas) flags.add_text("--karras");
  flags.add("height", sampling.height, usual_sampling.height);
  flags.add("width", sampling.width, usual_sampling.width);
  if (sampling.vae_tiling) flags.add_text("--vae-tiling");
  flags.add("batch-size", sampling.batch_size, usual_sampling.batch_size);
  flags.add("dtype", std::string(dtype_name(request.policy.dtype)),
            std::string(dtype_name(usual.policy.dtype)));
  flags.add("device", request.policy.device.str(), usual.policy.device.str());
  flags.add_text("-o " + word(request.output.string()));
  return flags.text();
}

std::string command_of(const Contender& contender) {
  if (contender.is_bound()) return "";
  if (contender.way == Contender::Way::kFile) return "ziplora generate PROMPT --adapter FILE -o IMAGE";
  return contender.way == Contender::Way::kMerge ? merge_command(contender) : strategy_command(contender);
}

}  // namespace ziplora
