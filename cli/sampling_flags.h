#pragma once
/// Flags of how and where images are drawn, which `generate` and `evaluate` share.

#include <CLI/App.hpp>

#include <string>

#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::cli {

/// @param device  as parse_device_policy takes it
void add_sampling_flags(CLI::App& app, SamplingOptions& sampling, DevicePolicy& policy, std::string& device);

}  // namespace ziplora::cli
