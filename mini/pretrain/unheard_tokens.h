#pragma once
/// Gives the tokens that no training caption is spelled with a place among those that captions are spelled
/// with.
///
///     place_unheard_tokens(text_encoder, heard_tokens(tokenizer, captions));
///
/// Training leaves such tokens where they began, and teaches the encoders that they mean nothing: an invented
/// word ("sks", "szn") then moves a prompt by a few hundredths of its length, all of them the same way, and a
/// LoRA that is trained on one cannot be called by it. An unheard token becomes a draw from the normal
/// distribution that has the heard tokens' mean and covariance (after Hewitt 2021, "Initializing New Word
/// Embeddings for Pretrained Language Models"; transformers' `mean_resizing` shrinks the covariance to
/// nothing, here it is what tells one word from another). What a caption says does not change.

#include <set>
#include <string>
#include <vector>

#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_tokenizer.h"

namespace ziplora::mini {

/// Ids of the tokens that the captions are spelled with, begin and end of text left out.
std::set<int64_t> heard_tokens(const ClipTokenizer& tokenizer, const std::vector<std::string>& captions);

/// Changes the rows of the token embedding that are neither in `heard` nor begin or end of text. A row is a
/// function of its id and of the heard rows alone: a second time changes nothing, and two encoders of one
/// vocabulary get the same mixture of words.
/// @param heard  at least two ids, all below the vocabulary's size
void place_unheard_tokens(ClipTextModel& text_encoder, const std::set<int64_t>& heard);

}  // namespace ziplora::mini
