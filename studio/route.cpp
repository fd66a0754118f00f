#include "studio/route.h"

#include <optional>

namespace ziplora::studio {
namespace {

/// @return the parameter, empty where there is none; nothing: the path is another
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open), after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return std::nullopt;
  const std::string_view parameter = path.substr(before.size(), path.size() - before.size() - after.size());
  if (parameter.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(parameter);
}

}  // namespace

FoundRoute find_route(std::string_view method, std::string_view path) {
  FoundRoute found;
  for (const Route& route : routes()) {
    const auto parameter = match(route.path, path);
    if (!parameter) continue;
    found.path_is_known = true;
    if (route.method != method && !(method == "HEAD" && std::string_view(route.method) == "GET")) continue;
    // "/jobs/plan" is no job: a path without a parameter is the better match.
    if (found.route && !found.parameter.empty() == !parameter->empty()) continue;
    if (found.route && !parameter->empty()) continue;
    found.route = &route;
    found.parameter = *parameter;
  }
  return found;
}

}  // namespace ziplora::studio
