#include "studio/program.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>

#include "studio/child_process.h"
#include "studio/refusal.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace {

void take_event(std::string_view line, Answer& answer) {
  const auto event = parse_json(line);
  if (!event || !event->is_object()) return;
  const std::string kind = event->value("event", "");
  if (kind == "error") answer.error = *event;
  if (kind == "note") answer.notes.push_back(event->value("text", ""));
  if (kind == "warning") answer.warnings.push_back(event->value("text", ""));
}

/// The four words of an error event.
nlohmann::json words_of(const nlohmann::json& event) {
  nlohmann::json words = nlohmann::json::object();
  for (const char* word : {"kind", "where", "problem", "hint"}) words[word] = event.value(word, "");
  return words;
}

}  // namespace

nlohmann::json error_of_end(int exit_code) {
  if (exit_code == -SIGKILL)
    return {{"kind", "killed"},
            {"where", "worker"},
            {"problem", "the system killed the worker"},
            {"hint", "memory may have run out: use a smaller dtype, size or batch, then start it again"}};
  const std::string how =
      exit_code < 0 ? fmt::format("signal {}", -exit_code) : fmt::format("exit code {}", exit_code);
  return {{"kind", "failed"},
          {"where", "worker"},
          {"problem", "the worker ended with " + how + " and did not say why"},
          {"hint", "read its log, then start it again"}};
}

const nlohmann::ordered_json& Program::flags() const {
  const std::lock_guard lock(mutex_);
  if (flags_.is_null()) {
    Answer answer;
    ChildProcess child({path_.string(), "--print-flags"}, "/");
    const std::string out = child.read([&](std::string_view line) { take_event(line, answer); });
    const int code = child.wait();
    auto parsed = code == 0 ? parse_ordered_json(out) : std::nullopt;
    if (!parsed)
      throw Refusal(500, "failed", path_.string(), "the program does not say what it can do",
                    "was it moved or rebuilt? start the studio again");
    flags_ = std::move(*parsed);
  }
  return flags_;
}

const nlohmann::ordered_json& Program::verb(const std::string& name) const {
  for (const nlohmann::ordered_json& verb : flags().at("verbs"))
    if (verb.at("name") == name) return verb;
  throw no_such("verb", name);
}

Answer Program::ask(std::vector<std::string> words, const std::filesystem::path& folder, int seconds) const {
  words.insert(words.begin() + 1, "--json");
  words.insert(words.begin(), path_.string());
  Answer answer;
  ChildProcess child(words, folder);
  answer.out = child.read([&](std::string_view line) { take_event(line, answer); },
                          std::chrono::steady_clock::now() + std::chrono::seconds(seconds));
  answer.exit_code = child.wait();
  if (answer.exit_code != 0)
    answer.error = answer.error.is_null() ? error_of_end(answer.exit_code) : words_of(answer.error);
  return answer;
}

nlohmann::json Program::result_of(std::vector<std::string> words, const std::filesystem::path& folder,
                                  int seconds) const {
  const Answer answer = ask(std::move(words), folder, seconds);
  if (answer.exit_code != 0)
    throw Refusal(422, answer.error.value("kind", ""), answer.error.value("where", ""),
                  answer.error.value("problem", ""), answer.error.value("hint", ""));
  if (auto json = parse_json(answer.out)) return std::move(*json);
  throw Refusal(500, "failed", "worker", "its result is not JSON", "read the log");
}

}  // namespace ziplora::studio
