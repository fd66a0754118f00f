#pragma once
/// Gives tokens that occur in no training caption a place among those that do.
///
///     place_unheard_tokens(text_encoder, heard_tokens(tokenizer, captions));
///
/// Training leaves such tokens where they began, and teaches the encoders that they mean nothing: an invented
/// word ("sks", "szn") then moves a prompt by a few hundredths of its length, every word in the same
/// direction, and a LoRA that is trained on one cannot be called by it. An unheard token becomes a draw from
/// the normal distribution with the heard tokens' mean and covariance (after Hewitt 2021, "Initializing New
/// Word Embeddings for Pretrained Language Models"; transformers' `mean_resizing` shrinks the covariance to
/// nothing, but here it is what tells one word from another). The meaning of captions does not change.

#include <set>
#include <string>
#include <vector>

#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_tokenizer.h"

namespace ziplora::mini {

/// Ids of the tokens in the captions, without begin and end of text.
std::set<int64_t> heard_tokens(const ClipTokenizer& tokenizer, const std::vector<std::string>& captions);

/// Changes the rows of the token embedding that are neither in `heard` nor begin or end of text. A row
/// depends on its id and the heard rows alone: a second call changes nothing, and two encoders of one
/// vocabulary get the same mixture of words.
/// @param heard  at least two ids, all below the vocabulary's size
void place_unheard_tokens(ClipTextModel& text_encoder, const std::set<int64_t>& heard);

}  // namespace ziplora::mini
