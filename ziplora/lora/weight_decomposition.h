#pragma once
/// DoRA (arXiv 2402.09353) learns a direction as low-rank factors, and its length by itself:
///
///     V = W0 + ΔW_factors,   W' = m · V / ‖V‖,   ΔW = W' − W0
///
/// ‖V‖ is taken over each output row (LyCORIS since 2025, PEFT) or over each input column (older LyCORIS,
/// OneTrainer); the shape of m says which. It comes with factors of any kind: LoRA, LoHa, LoKr. The user's
/// strength w acts on ΔW as a whole, W0 + w·ΔW (ComfyUI's rule; LyCORIS agrees at w = 1).
///
///     if (auto magnitude = take_magnitude(parts)) bound = decompose(std::move(factors), *magnitude, target);
///
/// Sources: KohakuBlueleaf/LyCORIS lycoris/functional/general.py, huggingface/peft tuners/lora/dora.py,
/// Nerogar/OneTrainer modules/module/LoRAModule.py. Proven: tests/parity/test_lycoris.py, test_lora_files.py.

#include "ziplora/lora/delta_kind.h"

namespace ziplora {

/// The suffixes of keys that hold m: ".dora_scale", ".lora_magnitude_vector", …
const std::vector<PartSuffix>& magnitude_suffixes();

struct Magnitude {
  at::Tensor m;
  bool always_over_rows;  ///< PEFT's, whose shape [1, out, 1, 1] does not tell
};

/// Takes m out of the parts.
/// @throws Error(kInput) if there are two
std::optional<Magnitude> take_magnitude(DeltaParts& parts);

/// @throws Error(kIncompatible) if m fits neither the target's rows nor its columns
BaseBoundLayer decompose(LoraLayer factors, const Magnitude& magnitude, const TargetName& target);

}  // namespace ziplora
