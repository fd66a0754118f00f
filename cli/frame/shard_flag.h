#pragma once
/// --shard, of the verbs whose work several processes share: what the user says, or else what the engine has given.
///
///     app.add_option("--shard", flags.shard, shard_help("Make one part of the images, as 1/4, and no tables"));
///     request.shard = shard_of(flags.shard, "evaluate: --shard", context.progress);

#include <string>

#include "ziplora/base/progress.h"
#include "ziplora/base/shard.h"

namespace ziplora::cli {

/// @param part  what one part is
std::string shard_help(const std::string& part);

/// Notes what was taken of the engine.
/// @param text  empty: the engine's part, or the whole
/// @throws Error(kUsage)
Shard shard_of(const std::string& text, const std::string& where, ProgressSink& progress);

}  // namespace ziplora::cli
