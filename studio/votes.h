#pragma once
/// Blind votes on pairs of images, and what they come to. Two images make a ballot if they show the same prompt from the same
/// seed and were drawn by different contenders. Images that jobs made are compared with each other, those of an evaluation with
/// others of the same pair there.
///
///     Votes votes(database);
///     votes.next("subject");
///     votes.add({{"ballot", "12-7"}, {"question", "subject"}, {"choice", "left"}});

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "studio/database.h"

namespace ziplora::studio {

class Votes {
 public:
  explicit Votes(Database& database) : database_(database) {}

  /// A pair on which there is no vote for the question, sides shuffled.
  /// @param question    empty: no vote at all
  /// @param evaluation  whose images; nothing: those of jobs
  /// @return null if there is none
  nlohmann::json next(const std::string& question, const std::optional<int64_t>& evaluation);
  /// @return how many votes there are
  /// @throws Refusal(400) for another shape, Refusal(404) if the two images make no ballot, Refusal(409) if it has this vote
  int64_t add(const nlohmann::json& vote);
  /// By question, of the votes on those images.
  nlohmann::json ranking(const std::optional<int64_t>& evaluation);
  std::string csv();
  /// Every image that was voted on.
  std::vector<nlohmann::json> images();

 private:
  Database& database_;
};

}  // namespace ziplora::studio
