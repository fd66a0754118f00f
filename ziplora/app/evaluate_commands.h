#pragma once
/// The commands behind a comparison's figures, for its report: with them anybody makes the same again.

#include <string>

#include "ziplora/app/evaluate.h"

namespace ziplora {

/// "ziplora evaluate pairs.json --steps 12 -o out"; what has its default is left out.
std::string command_of(const EvaluateRequest& request);

/// "ziplora merge --method ssr --joint-weight 4 --subject SUBJECT:0.7 --style STYLE -o MERGED", with the words in capitals
/// for what differs between pairs; empty for bounds.
std::string command_of(const Contender& contender);

}  // namespace ziplora
