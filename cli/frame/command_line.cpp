#include "cli/frame/command_line.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "cli/frame/command.h"
#include "cli/frame/config_file.h"
#include "cli/frame/exact_numbers.h"
#include "cli/frame/exit_code.h"
#include "cli/frame/flag_list.h"
#include "cli/frame/json_progress.h"
#include "cli/frame/loaded_torch.h"
#include "cli/frame/printing.h"
#include "cli/frame/terminal_progress.h"
#include "cli/frame/whole_words.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/mapped_input.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"

namespace ziplora::cli {
namespace {

struct FrameOptions {
  bool json = false, quiet = false, verbose = false, print_config = false;
  std::string color = "auto", config, report;
};

void add_frame_flags(CLI::App& verb, FrameOptions& frame) {
  const std::string group = kFrameGroup;
  verb.get_help_ptr()->group(group);
  verb.add_flag("--json", frame.json, "Print one JSON result on stdout and JSON events on stderr")
      ->group(group);
  verb.add_option("--report", frame.report, "Write the JSON result to this file too")
      ->type_name("FILE")
      ->group(group);
  verb.add_flag("--quiet", frame.quiet, "Print warnings and errors only, no progress")->group(group);
  verb.add_flag("--verbose", frame.verbose, "Show the backtrace of internal errors")->group(group);
  verb.add_option("--color", frame.color, "Colour the messages on stderr; auto honours NO_COLOR")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(group);
  verb.add_option("--config", frame.config, "Read options from this JSON file; flags win over it")
      ->type_name("FILE")
      ->group(group);
  verb.add_flag("--print-config", frame.print_config,
                "Print all options as JSON, null where the base decides, and exit")
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

/// What CLI11 could not place: an unknown verb or flag, or a surplus word.
void refuse_leftovers(const Program& program, const CLI::App& app,
                      const std::vector<std::string>& leftovers) {
  // "--" stands before names that begin with a hyphen, and is nothing itself.
  const auto leftover = std::ranges::find_if(leftovers, [](const std::string& word) { return word != "--"; });
  if (leftover == leftovers.end()) return;
  const std::string word = restored(*leftover), found = word.substr(0, word.find('='));
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
  for (const AbsentCommand& absent : program.absent)
    if (found == absent.name)
      throw Error(ErrorKind::kUsage, where, "this build has no command '" + found + "'", absent.hint);
  const auto near = nearest_name(found, known);
  throw Error(ErrorKind::kUsage, where, "unknown command '" + found + "'",
              near ? "did you mean '" + where + " " + *near + "'?" : help);
}

/// Required options may come from a config file, so they are checked after it is read and not by CLI11.
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

/// An empty name is a variable of a script that was not set. Nobody means "the default" or "no file" by it.
void refuse_empty_names(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options()) {
    const std::string type = option->get_type_name();
    const bool names_a_file =
        type.starts_with("FILE") || type == "FOLDER" || type == "PATH" || type == "BASE";
    if (names_a_file && !option->get_lnames().empty())
      option->check(
          [](const std::string& name) { return name.empty() ? "the name of the file is empty" : ""; });
  }
}

/// A verb with its share of the frame.
struct FramedVerb {
  Verb verb;
  FrameOptions frame;
  std::vector<const CLI::Option*> own_options;
  std::vector<CLI::Option*> required;
};
using FramedVerbs = std::map<const CLI::App*, FramedVerb>;

std::string version_of(const Program& program) {
  const LoadedTorch torch = loaded_torch();
  return std::string(program.name) + " " + ZIPLORA_VERSION + ", torch " + torch.version +
         (torch.folder.empty() ? "" : " in " + torch.folder);
}

std::vector<const CLI::Option*> options_but_help(const CLI::App& verb) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : verb.get_options())
    if (option != verb.get_help_ptr()) options.push_back(option);
  return options;
}

/// @param verbs  takes the program's verbs; `app` refers to it
void declare(const Program& program, CLI::App& app, FramedVerbs& verbs) {
  app.set_version_flag(
      "--version", [&program] { return version_of(program); },
      "Print the versions of ziplora and of LibTorch");
  const std::string flags_help = "Print every verb and its flags as JSON, for programs, and exit";
  app.add_flag("--print-flags", flags_help);
  app.footer(kExitStatus);
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.option_defaults()->always_capture_default();
  for (const Command& command : program.commands) {
    CLI::App* subcommand = app.add_subcommand(command.name, command.summary);
    subcommand->allow_extras();
    subcommand->option_defaults()->always_capture_default();
    FramedVerb& framed = verbs[subcommand];
    framed.verb = command.add(*subcommand);
    framed.own_options = options_but_help(*subcommand);
    add_frame_flags(*subcommand, framed.frame);
    framed.required = take_over_required_options(*subcommand);
    read_numbers_exactly(*subcommand);
    refuse_empty_names(*subcommand);
    restore_whole_words(*subcommand);
    subcommand->footer(subcommand->get_footer() + "\n" + kExitStatus);
  }
}

void print_flags(const Program& program, const CLI::App& app, const FramedVerbs& verbs) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Command& command : program.commands) {
    if (command.serves) continue;
    const CLI::App* verb = app.get_subcommand(command.name);
    const FramedVerb& framed = verbs.at(verb);
    list.push_back(flag_list(*verb, framed.own_options, framed.required));
    if (framed.verb.rows) list.back()["rows"] = framed.verb.rows();
  }
  const LoadedTorch torch = loaded_torch();
  const nlohmann::ordered_json whole = {
      {"program", program.name}, {"version", ZIPLORA_VERSION}, {"torch", torch.version}, {"verbs", list}};
  print_out_json(whole, 2);
}

/// The verb's settings beneath its flags: --config first, then what the verb itself names.
void apply_settings(const FramedVerb& framed, CLI::App& subcommand) {
  if (!framed.frame.config.empty()) apply_config_file(framed.frame.config, subcommand);
  if (!framed.verb.further_settings) return;
  if (const auto further = framed.verb.further_settings())
    apply_config(further->values, further->where, subcommand);
}

std::unique_ptr<ProgressSink> progress_sink(const FrameOptions& frame, const ErrorStyle& style) {
  if (style.json) return std::make_unique<JsonProgress>(frame.quiet);
  return std::make_unique<TerminalProgress>(
      TerminalProgressOptions{frame.quiet, style.color, isatty(STDERR_FILENO) != 0});
}

/// What follows once the words of the verb are placed.
int run_verb(const FramedVerb& framed, CLI::App& subcommand, const CancelToken& cancel,
             const ErrorStyle& style) {
  apply_settings(framed, subcommand);
  if (framed.frame.print_config) {
    print_out_json(resolved_config(subcommand), 2);
    return 0;
  }
  for (const CLI::Option* option : framed.required)
    if (option->count() == 0) throw CLI::RequiredError(option->get_name());
  if (!framed.frame.report.empty()) const AtomicFile trial(framed.frame.report);  // fails before the work
  const std::unique_ptr<ProgressSink> progress = progress_sink(framed.frame, style);
  StageLog stages(*progress);
  CommandContext context{stages, cancel, style.json, resolved_config(subcommand), framed.frame.report};
  framed.verb.run(context);
  return 0;
}

/// An input that somebody changed meanwhile explains what came of it better than the verb's own error.
int run_on_whole_inputs(const FramedVerb& framed, CLI::App& subcommand, const CancelToken& cancel,
                        const ErrorStyle& style) {
  try {
    return run_verb(framed, subcommand, cancel, style);
  } catch (...) {
    require_unchanged_inputs();
    throw;
  }
}

}  // namespace

std::string example(const std::string& command_line) { return "EXAMPLE\n  " + command_line + "\n"; }

void CommandContext::print_result(const nlohmann::json& result, const std::string& text) const {
  require_unchanged_inputs();
  nlohmann::json whole = result;
  if (const nlohmann::json stages = progress.to_json(); !stages.empty()) whole["stages"] = stages;
  if (!report.empty()) write_json_file(report, whole);
  if (json)
    print_out_json(whole, -1);
  else if (!text.empty())
    print_out(text.back() == '\n' ? text : text + "\n");
}

int run_command_line(const Program& program, int argc, char** argv, const CancelToken& cancel,
                     ErrorStyle& style) {
  CLI::App app(std::string(program.name) + ": " + program.summary, program.name);
  FramedVerbs verbs;
  declare(program, app, verbs);

  // Known before parsing, so that an error of parsing has the form that was asked for.
  style.json =
      std::any_of(argv + 1, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
  try {
    std::vector<std::string> words;  // the last one first, as CLI11 takes them
    for (int i = argc - 1; i > 0; --i) words.push_back(keep_whole(argv[i]));
    app.parse(std::move(words));
    const auto chosen = app.get_subcommands();
    if (chosen.empty()) {
      refuse_leftovers(program, app, app.remaining());
      if (app.count("--print-flags") > 0)
        print_flags(program, app, verbs);
      else
        print_out(app.help());
      return 0;
    }
    CLI::App& subcommand = *chosen.front();
    const FramedVerb& framed = verbs.at(&subcommand);
    style = {framed.frame.json, framed.frame.verbose, want_color(framed.frame.color)};
    refuse_leftovers(program, subcommand, subcommand.remaining());
    refuse_leftovers(program, app, app.remaining());
    return run_on_whole_inputs(framed, subcommand, cancel, style);
  } catch (const CLI::Success& request) {  // --help, --version
    std::ostringstream text;
    app.exit(request, text, text);
    print_out(text.str());
    return 0;
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string where = name_of(program, chosen.empty() ? nullptr : chosen.front());
    throw Error(ErrorKind::kUsage, where, error.what(), "run '" + where + " --help'");
  }
}

}  // namespace ziplora::cli
