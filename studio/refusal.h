#pragma once
/// An answer that is an error: an HTTP status and the same four words that the program prints with --json.
///
///     throw Refusal(404, "not-found", "job 7", "there is no such job", "list the jobs");

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "ziplora/base/error.h"

namespace ziplora::studio {

class Refusal : public std::runtime_error {
 public:
  Refusal(int status, std::string kind, std::string where, std::string problem, std::string hint);
  /// Of the library's own: usage is 400, input and incompatible 422, exhausted 507, the rest 500.
  explicit Refusal(const Error& error);

  int status() const { return status_; }
  /// kind, where, problem, hint
  const nlohmann::json& body() const { return body_; }

 private:
  int status_;
  nlohmann::json body_;
};

nlohmann::json to_json(const Error& error);

/// 404 for a thing of the store: "job", 7.
Refusal no_such(const std::string& what, const std::string& id);

}  // namespace ziplora::studio
