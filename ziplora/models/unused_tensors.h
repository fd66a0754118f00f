#pragma once
/// Tensors that SDXL checkpoints hold and no model here uses: what CLIP's training needed, noise schedules that
/// the config says as well, averaged weights, buffers.
///
///     if (is_unused_tensor(name)) continue;

#include <string>
#include <vector>

namespace ziplora {

bool is_unused_tensor(const std::string& name);

/// Of a text encoder's file in a diffusers folder, in its own names.
bool is_unused_by_text_encoder(const std::string& name, bool with_projection);

/// @return "3 tensors are left out, which SDXL does not use: a, b, …"; empty if all of these names come with
///         every published SDXL checkpoint (the second encoder's logit_scale, positions) or mark its schedule
std::string note_of_unused_tensors(const std::vector<std::string>& names);

}  // namespace ziplora
