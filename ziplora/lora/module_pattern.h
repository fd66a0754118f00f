#pragma once
/// The patterns with which PEFT's configs name modules: a name, its last parts, or a regular expression that
/// describes either. They come from files that anyone may have made, so matching is bounded.
///
///     matches_module("attn1.to_q", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q")    // true
///     matches_module("down_blocks\\.\\d+\\..*", "down_blocks.1.attentions.0.proj_in")           // true
///
/// Source: huggingface/peft src/peft/utils/other.py get_pattern_key, re.match(rf"(.*\.)?({key})$", name).

#include <string>

namespace ziplora {

/// @return false also for what is no regular expression, or takes too long to match
bool matches_module(const std::string& pattern, const std::string& module);

}  // namespace ziplora
