#pragma once
/// The words that trigger a LoRA, according to its metadata.
///
///     trigger_words(adapter.metadata);   // {"a sks dog", "sks"}

#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @return the likeliest first, each once: ziplora.prompt, modelspec.trigger_phrase, then the tags of
///         ss_tag_frequency (over all of its folders) by falling count. Empty if the file says nothing.
std::vector<std::string> trigger_words(const StringMap& metadata);

}  // namespace ziplora
