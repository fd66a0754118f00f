#pragma once
/// The captions of scenes. Training reads many wordings, so that the base understands a user's own;
/// evaluation uses one.
///
///     plain_caption(catalogue, content);            // "a fox next to a tree at night, in twemoji style"
///     varied_caption(catalogue, content, random);   // "twemoji style of a fox, an animal, at night" …
///
/// Some captions leave out the style or the scene, some name the category in place of the subject, and some
/// put it after the subject ("a fox animal"), where DreamBooth puts the class noun ("a sks animal"). Rare
/// words that may become trigger tokens (rare_words) are in the vocabulary but never in a caption.

#include <string>
#include <string_view>
#include <vector>

#include "mini/world/scene.h"

namespace ziplora::mini {

/// @param subject_name  if not empty, replaces the subject's article and words: "a sks animal"
/// @param style_name    if not empty, replaces the style's phrase: "szn style"
std::string plain_caption(const Catalogue& catalogue, const SceneContent& content,
                          std::string_view subject_name = "", std::string_view style_name = "");

std::string varied_caption(const Catalogue& catalogue, const SceneContent& content, SceneRandom& random);

/// Words of one to three letters that mean nothing in the world: candidates for trigger tokens.
const std::vector<std::string>& rare_words();

/// Every word that a caption of this catalogue can contain, held-out subjects' and styles' words and
/// rare_words included, sorted, each once.
std::vector<std::string> caption_vocabulary(const Catalogue& catalogue);

}  // namespace ziplora::mini
