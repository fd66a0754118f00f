#pragma once
/// The table of routes. A route is one row here and one path of openapi.json; a test holds the two against each other.

#include <string>
#include <string_view>
#include <vector>

namespace ziplora::studio {

class Call;
struct Studio;

struct Route {
  const char* method;
  /// With at most one parameter: "/api/v1/jobs/{id}/log".
  const char* path;
  void (*handle)(Studio& studio, Call& call);
};

const std::vector<Route>& routes();

struct FoundRoute {
  /// nullptr: none of that path and method.
  const Route* route = nullptr;
  std::string parameter;
  /// Whether the path is one of the table's, with another method.
  bool path_is_known = false;
};

FoundRoute find_route(std::string_view method, std::string_view path);

}  // namespace ziplora::studio
