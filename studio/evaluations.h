#pragma once
/// Folders that `ziplora evaluate` wrote, as the source of ballots: its images.csv names what each image shows and who drew
/// it. Nothing in them is moved or changed.
///
///     const nlohmann::json added = evaluations.add("/home/me/out/pairs", {});
///     votes.next("both", added.at("id"));

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "studio/database.h"
#include "studio/event_hub.h"

namespace ziplora::studio {

class Evaluations {
 public:
  Evaluations(Database& database, EventHub& events) : database_(database), events_(events) {}

  nlohmann::json list();
  /// Takes the folder's images in; once more, those that are new. The base and each LoRA alone are left out: they are no merges.
  /// @param path  whole
  /// @param job   that wrote it
  /// @throws Refusal(400) if it is no such folder, Refusal(422) if its images.csv has no images
  nlohmann::json add(const std::string& path, const std::optional<int64_t>& job);
  /// Forgets the images; the folder and the votes stay.
  /// @throws Refusal(404)
  void remove(int64_t id);

 private:
  nlohmann::json row(int64_t id);
  int64_t take_in(const std::filesystem::path& folder, const std::optional<int64_t>& job);
  Database& database_;
  EventHub& events_;
};

}  // namespace ziplora::studio
