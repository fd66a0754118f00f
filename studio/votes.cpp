#include "studio/votes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "studio/bradley_terry.h"
#include "studio/clock.h"
#include "studio/random_text.h"
#include "studio/refusal.h"
#include "ziplora/base/parse_number.h"

namespace ziplora::studio {
namespace {

using nlohmann::json;

constexpr const char* kQuestions[] = {"subject", "style", "both"};

bool is_question(const json& text) {
  return text.is_string() && std::ranges::find(kQuestions, text.get<std::string>()) != std::end(kQuestions);
}

/// "12-7": the images on the left and on the right.
std::pair<int64_t, int64_t> images_of(const json& ballot) {
  const std::string text = ballot.is_string() ? ballot.get<std::string>() : "";
  const size_t hyphen = text.find('-');
  if (hyphen != std::string::npos) {
    const auto left = parse_number<int64_t>(text.substr(0, hyphen)),
               right = parse_number<int64_t>(text.substr(hyphen + 1));
    if (left && right && *left != *right) return {*left, *right};
  }
  throw Refusal(400, "usage", "vote", "there is no such ballot", "send the `ballot` that was asked for");
}

/// A spreadsheet takes a text that begins so for a formula.
std::string csv_field(const json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (value.is_string() && !text.empty() &&
      std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos)
    text.insert(0, "'");
  std::string field = "\"";
  for (const char character : text)
    field += character == '"' ? std::string("\"\"") : std::string(1, character);
  return field + "\"";
}

json evaluation_value(const std::optional<int64_t>& number) { return number ? json(*number) : json(); }

struct Tally {
  std::vector<std::string> names;
  std::vector<Comparison> comparisons;
  std::vector<double> wins;
  std::vector<int> votes;

  size_t index_of(const std::string& name) {
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
    names.push_back(name);
    wins.push_back(0);
    votes.push_back(0);
    return names.size() - 1;
  }
  void add(const json& vote) {
    const size_t left = index_of(vote.at("left_contender")), right = index_of(vote.at("right_contender"));
    const std::string choice = vote.at("choice");
    const double score = choice == "left" ? 1 : choice == "right" ? 0 : 0.5;
    comparisons.push_back({left, right, score});
    wins[left] += score;
    wins[right] += 1 - score;
    ++votes[left];
    ++votes[right];
  }
};

json ranked(const Tally& tally) {
  const std::vector<double> strengths = bradley_terry(tally.names.size(), tally.comparisons);
  const std::vector<Interval> intervals = bootstrap_intervals(tally.names.size(), tally.comparisons);
  json contenders = json::array();
  for (size_t i = 0; i < tally.names.size(); ++i)
    contenders.push_back({{"name", tally.names[i]},
                          {"strength", strengths[i]},
                          {"low", intervals[i].low},
                          {"high", intervals[i].high},
                          {"wins", tally.wins[i]},
                          {"votes", tally.votes[i]}});
  std::stable_sort(contenders.begin(), contenders.end(),
                   [](const json& a, const json& b) { return a.at("strength") > b.at("strength"); });
  return {{"votes", tally.comparisons.size()}, {"contenders", std::move(contenders)}};
}

}  // namespace

json Votes::next(const std::string& question, const std::optional<int64_t>& evaluation) {
  const auto pair = database_.row(
      "SELECT a.id AS first, b.id AS second, a.prompt, a.seed FROM images a JOIN images b "
      "ON a.prompt = b.prompt AND a.seed = b.seed AND a.id < b.id AND a.contender <> b.contender "
      "AND a.width IS b.width AND a.height IS b.height AND a.evaluation IS b.evaluation AND a.pair IS b.pair "
      "WHERE a.evaluation IS ? AND a.origin = b.origin AND a.origin <> 'uploaded' AND NOT EXISTS (SELECT 1 FROM votes v WHERE "
      "v.left_image = a.id AND v.right_image = b.id AND (? = '' OR v.question = ?)) ORDER BY random() LIMIT 1",
      {evaluation_value(evaluation), question, question});
  if (!pair) return nullptr;
  const bool swap = random_text(1) < "80";
  const json& left = pair->at(swap ? "second" : "first");
  const json& right = pair->at(swap ? "first" : "second");
  return {{"ballot", fmt::format("{}-{}", left.get<int64_t>(), right.get<int64_t>())},
          {"prompt", pair->at("prompt")},
          {"seed", pair->at("seed")},
          {"left", left},
          {"right", right},
          {"votes", database_.row("SELECT count(*) AS n FROM votes", {})->at("n")}};
}

int64_t Votes::add(const json& vote) {
  const json choice = vote.value("choice", json()), question = vote.value("question", json());
  if (!is_question(question))
    throw Refusal(400, "usage", "vote", "the question is none", "send subject, style or both");
  if (choice != "left" && choice != "right" && choice != "tie")
    throw Refusal(400, "usage", "vote", "the choice is none", "send left, right or tie");
  const auto [shown_left, shown_right] = images_of(vote.value("ballot", json()));
  // Kept with the smaller id on the left, so that a pair has one vote whichever way it was shown.
  const bool swapped = shown_left > shown_right;
  const int64_t left = std::min(shown_left, shown_right), right = std::max(shown_left, shown_right);
  const json kept = choice == "tie" || !swapped ? choice : json(choice == "left" ? "right" : "left");
  database_.transaction([&] {
    const auto pair = database_.row(
        "SELECT a.contender AS one, b.contender AS other, a.prompt, a.seed, a.evaluation FROM images a JOIN images b "
        "ON a.prompt = b.prompt AND a.seed = b.seed AND a.contender <> b.contender AND a.evaluation IS b.evaluation "
        "AND a.pair IS b.pair WHERE a.id = ? AND b.id = ?",
        {left, right});
    if (!pair)
      throw Refusal(404, "not-found", "vote", "the two images make no ballot", "ask for the next ballot");
    if (database_.row("SELECT id FROM votes WHERE question = ? AND left_image = ? AND right_image = ?",
                      {question, left, right}))
      throw Refusal(409, "conflict", "vote", "this ballot has a vote", "ask for the next ballot");
    database_.run(
        "INSERT INTO votes(question, choice, left_image, right_image, left_contender, right_contender, prompt, seed, swapped, "
        "evaluation, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {question, kept, left, right, pair->at("one"), pair->at("other"), pair->at("prompt"),
         pair->at("seed"), swapped, pair->at("evaluation"), utc_now()});
  });
  return database_.row("SELECT count(*) AS n FROM votes", {})->at("n");
}

json Votes::ranking(const std::optional<int64_t>& evaluation) {
  std::map<std::string, Tally> tallies;
  for (const json& vote : database_.rows("SELECT * FROM votes WHERE evaluation IS ? ORDER BY id",
                                         {evaluation_value(evaluation)}))
    tallies[vote.at("question")].add(vote);
  json questions = json::object();
  for (const char* question : kQuestions) questions[question] = ranked(tallies[question]);
  return {{"questions", std::move(questions)}};
}

std::string Votes::csv() {
  const std::vector<const char*> columns = {
      "id",         "created",     "question", "choice", "left_contender", "right_contender",
      "left_image", "right_image", "prompt",   "seed",   "swapped",        "evaluation"};
  std::string text;
  for (const char* column : columns) text += (text.empty() ? "" : ",") + std::string(column);
  text += "\r\n";
  for (const json& vote : database_.rows("SELECT * FROM votes ORDER BY id", {})) {
    std::string line;
    for (const char* column : columns) line += (line.empty() ? "" : ",") + csv_field(vote.at(column));
    text += line + "\r\n";
  }
  return text;
}

std::vector<json> Votes::images() {
  return database_.rows(
      "SELECT * FROM images WHERE id IN (SELECT left_image FROM votes UNION SELECT right_image FROM votes) ORDER BY id",
      {});
}

}  // namespace ziplora::studio
