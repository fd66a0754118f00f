#include "cli/frame/command_line.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>

#include "cli/frame/command.h"
#include "cli/frame/config_file.h"
#include "cli/frame/exit_code.h"
#include "cli/frame/json_progress.h"
#include "cli/frame/terminal_progress.h"
#include "cli/frame/whole_words.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora::cli {
namespace {

struct FrameOptions {
  bool json = false, quiet = false, verbose = false, print_config = false;
  std::string color = "auto", config, report;
};

void add_frame_flags(CLI::App& verb, FrameOptions& frame) {
  const std::string group = kFrameGroup;
  verb.get_help_ptr()->group(group);
  verb.add_flag("--json", frame.json, "print one JSON result on stdout and JSON events on stderr")
      ->group(group);
  verb.add_option("--report", frame.report, "write the result as JSON to this file, too")->group(group);
  verb.add_flag("--quiet", frame.quiet, "no progress, warnings only")->group(group);
  verb.add_flag("--verbose", frame.verbose, "keep the backtrace of internal errors")->group(group);
  verb.add_option("--color", frame.color, "colours on stderr; NO_COLOR is honoured")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(group);
  verb.add_option("--config", frame.config, "JSON file with options; flags win over it")->group(group);
  verb.add_flag("--print-config", frame.print_config,
                "print all options as JSON, null where the base decides, and stop")
      ->group(group);
}

bool want_color(const std::string& choice) {
  const char* no_color = std::getenv("NO_COLOR");
  if (choice != "auto") return choice == "always";
  return isatty(STDERR_FILENO) != 0 && !(no_color && *no_color);
}

/// "ziplora merge", or "ziplora" where there is no verb.
std::string name_of(const Program& program, const CLI::App* verb) {
  return verb ? std::string(program.name) + " " + verb->get_name() : program.name;
}

/// What CLI11 could not place: an unknown verb or flag, or one word too many.
void refuse_leftovers(const Program& program, const CLI::App& app,
                      const std::vector<std::string>& leftovers) {
  if (leftovers.empty()) return;
  const std::string word = restored(leftovers.front()), found = word.substr(0, word.find('='));
  const std::string where = name_of(program, app.get_parent() ? &app : nullptr);
  const std::string help = "run '" + where + " --help'";
  std::vector<std::string> known;
  if (found.rfind("-", 0) == 0) {
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    const auto near = nearest_name(found, known);
    throw Error(ErrorKind::kUsage, where, "unknown flag '" + found + "'",
                near ? "did you mean '" + *near + "'?" : help);
  }
  if (app.get_parent()) throw Error(ErrorKind::kUsage, where, "unexpected argument '" + found + "'", help);
  for (const Command& command : program.commands) known.push_back(command.name);
  const auto near = nearest_name(found, known);
  throw Error(ErrorKind::kUsage, where, "unknown command '" + found + "'",
              near ? "did you mean '" + where + " " + *near + "'?" : help);
}

/// Options the verb cannot do without; checked after the config file had its say, not by CLI11 before it.
std::vector<CLI::Option*> take_over_required_options(CLI::App& verb) {
  std::vector<CLI::Option*> required;
  for (CLI::Option* option : verb.get_options()) {
    if (!option->get_required()) continue;
    required.push_back(option->required(false));
    if (option->get_description().find("(required)") == std::string::npos)
      option->description(option->get_description() + " (required)");
  }
  return required;
}

/// File names and prompts may be of any encoding, JSON is UTF-8: other bytes become U+FFFD.
template <typename Json>  // nlohmann::json or, in the order of the flags, ordered_json
std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string example(const std::string& command_line) { return "EXAMPLE\n  " + command_line + "\n"; }

void CommandContext::print_result(const nlohmann::json& result, const std::string& text) const {
  if (!report.empty()) write_text_file(report, json_text(result, 2) + "\n");
  if (json)
    std::cout << json_text(result, -1) << std::endl;
  else if (!text.empty())
    std::cout << text << (text.back() == '\n' ? "" : "\n") << std::flush;
  if (!std::cout)
    throw Error(ErrorKind::kFailed, "stdout", "the result could not be written",
                "free some space where stdout goes, or let its reader run to the end");
}

int run_command_line(const Program& program, int argc, char** argv, const CancelToken& cancel,
                     ErrorStyle& style) {
  CLI::App app(std::string(program.name) + ": " + program.summary, program.name);
  app.set_version_flag("--version", std::string(program.name) + " " + ZIPLORA_VERSION);
  app.footer(kExitStatus);
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.option_defaults()->always_capture_default();

  struct FramedVerb {
    Verb verb;
    FrameOptions frame;
    std::vector<CLI::Option*> required;
  };
  std::map<const CLI::App*, FramedVerb> verbs;
  for (const Command& command : program.commands) {
    CLI::App* subcommand = app.add_subcommand(command.name, command.summary);
    subcommand->allow_extras();
    subcommand->option_defaults()->always_capture_default();
    FramedVerb& framed = verbs[subcommand];
    framed.verb = command.add(*subcommand);
    add_frame_flags(*subcommand, framed.frame);
    framed.required = take_over_required_options(*subcommand);
    restore_whole_words(*subcommand);
    subcommand->footer(subcommand->get_footer() + "\n" + kExitStatus);
  }

  // Known before parsing, so that a command line that cannot be parsed is told of in the form it asked for.
  style.json =
      std::any_of(argv + 1, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
  try {
    std::vector<std::string> words;  // the last one first, as CLI11 takes them
    for (int i = argc - 1; i > 0; --i) words.push_back(keep_whole(argv[i]));
    app.parse(std::move(words));
    const auto chosen = app.get_subcommands();
    if (chosen.empty()) {
      refuse_leftovers(program, app, app.remaining());
      std::cout << app.help();
      return 0;
    }
    CLI::App& subcommand = *chosen.front();
    const FramedVerb& framed = verbs.at(&subcommand);
    style = {framed.frame.json, framed.frame.verbose, want_color(framed.frame.color)};
    refuse_leftovers(program, subcommand, subcommand.remaining());
    refuse_leftovers(program, app, app.remaining());
    if (!framed.frame.config.empty()) apply_config_file(framed.frame.config, subcommand);
    if (framed.verb.further_settings)
      if (const auto further = framed.verb.further_settings())
        apply_config(further->values, further->where, subcommand);
    if (framed.frame.print_config) {
      std::cout << json_text(resolved_config(subcommand), 2) << "\n";
      return 0;
    }
    for (const CLI::Option* option : framed.required)
      if (option->count() == 0) throw CLI::RequiredError(option->get_name());

    if (!framed.frame.report.empty())
      const AtomicFile trial(framed.frame.report);  // before the work, not after it
    std::unique_ptr<ProgressSink> progress;
    if (style.json)
      progress = std::make_unique<JsonProgress>(framed.frame.quiet);
    else
      progress = std::make_unique<TerminalProgress>(
          TerminalProgressOptions{framed.frame.quiet, style.color, isatty(STDERR_FILENO) != 0});
    CommandContext context{*progress, cancel, style.json, resolved_config(subcommand), framed.frame.report};
    framed.verb.run(context);
    return 0;
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string where = name_of(program, chosen.empty() ? nullptr : chosen.front());
    throw Error(ErrorKind::kUsage, where, error.what(), "run '" + where + " --help'");
  }
}

}  // namespace ziplora::cli
