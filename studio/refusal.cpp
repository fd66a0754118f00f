#include "studio/refusal.h"

#include <utility>

#include "cli/frame/error_kind_name.h"

namespace ziplora::studio {
namespace {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return 400;
    case ErrorKind::kInput:
    case ErrorKind::kIncompatible:
      return 422;
    case ErrorKind::kExhausted:
      return 507;
    default:
      return 500;
  }
}

}  // namespace

Refusal::Refusal(int status, std::string kind, std::string where, std::string problem, std::string hint)
    : std::runtime_error(where + ": " + problem),
      status_(status),
      body_{{"kind", std::move(kind)},
            {"where", std::move(where)},
            {"problem", std::move(problem)},
            {"hint", std::move(hint)}} {}

Refusal::Refusal(const Error& error)
    : std::runtime_error(error.what()), status_(status_of(error.kind())), body_(to_json(error)) {}

nlohmann::json to_json(const Error& error) {
  return {{"kind", cli::error_kind_name(error.kind())},
          {"where", error.where()},
          {"problem", error.problem()},
          {"hint", error.hint()}};
}

Refusal no_such(const std::string& what, const std::string& id) {
  return Refusal(404, "not-found", what + " " + id, "there is no such " + what,
                 "it may have been deleted: ask for the list");
}

}  // namespace ziplora::studio
