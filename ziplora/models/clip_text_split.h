#pragma once
/// What CLIP does to text before byte-pair encoding: NFC, runs of white space to one blank, lower case, and
/// the split into words. Equals the normaliser and pre-tokeniser of transformers 5 (CLIPTokenizer). Unlike
/// OpenAI's code, these neither run ftfy nor unescape HTML. Unicode properties come from ICU.
///
///     for (const std::string& word : split_words(normalize_for_clip("It's  CAFÉ!"))) …   // it 's café !

#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

/// @param text  UTF-8
/// @throws Error(kInput) if it is not
std::string normalize_for_clip(std::string_view text);

/// Words are contractions ('s 't 're 've 'm 'll 'd), runs of letters, single numerals, and runs of anything
/// else but white space.
std::vector<std::string> split_words(std::string_view normalized);

}  // namespace ziplora
