#pragma once
/// The `__metadata__` of a trained LoRA: kohya's ss_* keys, from which web UIs read the base, the hash and
/// the trigger words, and `ziplora.*` keys, from which `merge` reads the prompt. Every value is a string.
///
///     adapter.metadata = training_metadata({.instance_prompt = "a sks dog", …});
///
/// Source of the keys: kohya-ss/sd-scripts train_network.py. The writer of the file adds the hashes.

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct TrainingFacts {
  std::string instance_prompt;
  std::map<std::string, int64_t> images_of_caption;  ///< caption (or the prompt) → number of images
  std::string output_name;
  nlohmann::json settings;  ///< as resolved
  int64_t iterations = 0;   ///< done
  int64_t num_images = 0, num_class_images = 0;
  int64_t resolution = 0;
  std::string base_name;
  bool v_prediction = false;
};

StringMap training_metadata(const TrainingFacts& facts);

}  // namespace ziplora
