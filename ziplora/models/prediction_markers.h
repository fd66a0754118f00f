#pragma once
/// What a single file says of its UNet: whether it predicts v instead of ε, and whether its noise schedule ends
/// in pure noise. Programs say it in different places, and a base that is sampled as another kind draws noise.
///
///     const PredictionMarkers said = prediction_markers(file);
///     config["prediction_type"] = said.v_prediction ? "v_prediction" : "epsilon";
///
/// Sources: the tensors v_pred and ztsnr, of any shape (Comfy-Org/ComfyUI supported_models.py, A1111#16567); the
/// metadata modelspec.prediction_type (kohya-ss/sd-scripts sai_model_spec.py, OneTrainer), modelspec.predict_key
/// (ComfyUI nodes_model_merging.py), prediction_type, ss_v_parameterization and ss_zero_terminal_snr; and the file's
/// .yaml beside it (stable-diffusion-webui: parameterization, or sgm's VScaling).

#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct PredictionMarkers {
  bool v_prediction = false, zero_terminal_snr = false;
  /// What was taken from where, unless a tensor alone says it; contradictions.
  std::vector<std::string> notes;
};

/// Tensors count before metadata, which merging tools copy from the wrong input, and both before the .yaml.
/// @throws Error(kIncompatible) for a kind of prediction that cannot be sampled here
PredictionMarkers prediction_markers(const SafetensorsFile& file);

}  // namespace ziplora
