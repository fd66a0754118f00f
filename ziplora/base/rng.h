#pragma once
/// Random numbers come from generators that are passed in; nothing uses the global seed. Draws are made on
/// the CPU, so one seed gives the same numbers on every device.
///
///     at::Generator generator = make_generator(seed);
///     at::Tensor noise = at::randn({4, 16, 16}, generator);

#include <ATen/core/Generator.h>

#include <cstdint>
#include <string_view>

namespace ziplora {

at::Generator make_generator(uint64_t seed);

/// An independent seed for a named purpose (“latents”, “dropout”), so that a new draw in one place does not
/// change the draws in another.
uint64_t derive_seed(uint64_t seed, std::string_view purpose);

}  // namespace ziplora
