#pragma once
/// Flags of how images are drawn, which `generate` and `evaluate` share.

#include <CLI/App.hpp>

#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::cli {

void add_sampling_flags(CLI::App& app, SamplingOptions& sampling);

}  // namespace ziplora::cli
