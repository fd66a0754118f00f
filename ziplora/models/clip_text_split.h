#pragma once
/// What CLIP does to text before byte-pair encoding: NFC, white space to one blank, lower case, and the split
/// into words. Equal to the normaliser and pre-tokeniser of transformers 5 (CLIPTokenizer), which differ from
/// OpenAI's own code: no ftfy, no HTML unescaping. Unicode properties come from ICU.
///
///     for (const std::string& word : split_words(normalize_for_clip("It's  CAFÉ!"))) …   // it 's café !

#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

/// @param text  UTF-8
/// @throws Error(kInput) if it is not
std::string normalize_for_clip(std::string_view text);

/// Contractions ('s 't 're 've 'm 'll 'd), runs of letters, single numerals, runs of anything else but white
/// space.
std::vector<std::string> split_words(std::string_view normalized);

}  // namespace ziplora
