#pragma once
/// From what a page sends to what the program takes: values that name things of the studio become files, and the rest is
/// checked against the verb's own flags.
///
///     const JobOptions options = resolve_options(things, verb, request.at("options"), "jobs/7");
///     options.config;      // for --config
///
/// A page may name no file but by its id: no path that it sends is opened, but for the base.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "studio/evaluations.h"
#include "studio/gallery.h"
#include "studio/library.h"
#include "studio/tickets.h"

namespace ziplora::studio {

struct JobOptions {
  /// By the flags' names, as --config takes it.
  nlohmann::json config;
  /// Folders that are to be filled with images before the verb runs: folder → image ids.
  std::map<std::filesystem::path, std::vector<int64_t>> image_folders;
};

struct JobThings {
  Library& library;
  Gallery& gallery;
  Evaluations& evaluations;
  const Tickets& tickets;
  /// Absolute; empty: the miniature.
  std::string base;
};

/// @param verb     as Program::verb() gives it
/// @param folder   of the job: what it writes is in `out` there
/// @throws Refusal(400) for flags that the verb lacks or that name files, and for values of another shape; Refusal(404,
///         410) for things that are not there
JobOptions resolve_options(const JobThings& things, const nlohmann::ordered_json& verb,
                           const nlohmann::json& given, const std::filesystem::path& folder);

/// The same as one would type it.
std::string command_text(const nlohmann::ordered_json& verb, const nlohmann::json& config);

}  // namespace ziplora::studio
