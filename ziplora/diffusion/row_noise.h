#pragma once
/// Noise with one generator per row, so that a seed gives the same image alone or in a batch. Each row is
/// drawn in float32 on the CPU, as diffusers' randn_tensor does with a list of generators.
///
///     at::Tensor noise = row_noise(latents, generators);  // latents' shape, dtype and device

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <span>

namespace ziplora {

/// @throws Error(kInternal) unless there is one generator per row
at::Tensor row_noise(const at::Tensor& like, std::span<at::Generator> generators);

}  // namespace ziplora
