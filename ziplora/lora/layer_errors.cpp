#include "ziplora/lora/layer_errors.h"

namespace ziplora {
namespace {

constexpr const char* kWhere = "read adapter";

}  // namespace

Error does_not_fit(const std::string& problem) {
  return {ErrorKind::kIncompatible, kWhere, problem, kAnotherBase};
}

Error malformed(const std::string& problem) { return {ErrorKind::kInput, kWhere, problem, kAnotherCopy}; }

Error ambiguous(const std::string& problem) {
  return {ErrorKind::kInput, kWhere, problem, "save the adapter again with the tool that made it"};
}

}  // namespace ziplora
