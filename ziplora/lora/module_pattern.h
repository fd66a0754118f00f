#pragma once
/// The patterns by which PEFT's configs name modules: a name, its last parts, or a regular expression for
/// either. The files may be anybody's, so matching is bounded.
///
///     matches_module("attn1.to_q", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q");  // true
///     matches_module("down_blocks\\.\\d+\\..*", "down_blocks.1.attentions.0.proj_in");         // true
///
/// Source: huggingface/peft src/peft/utils/other.py get_pattern_key, re.match(rf"(.*\.)?({key})$", name).

#include <string>

namespace ziplora {

/// @return false also if the pattern is not a regular expression, or takes too long to match
bool matches_module(const std::string& pattern, const std::string& module);

}  // namespace ziplora
