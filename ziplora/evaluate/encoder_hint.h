#pragma once
/// Configs of image encoders are read by ConfigReader, whose hints speak of SDXL's bases. Here they speak of
/// encoders.
///
///     const VitConfig config = with_encoder_hint([&] { return VitConfig::from_json(json); });

#include "ziplora/base/error.h"

namespace ziplora {

/// @param read  reads a config
/// @throws what `read` throws, with another hint
template <class Read>
auto with_encoder_hint(const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.kind(), error.where(), error.problem(),
                error.kind() == ErrorKind::kIncompatible
                    ? "use an image encoder that is known here: CLIP, DINO, DINOv2 or CSD"
                    : "download the image encoder's folder again, as it was published");
  }
}

}  // namespace ziplora
