#pragma once
/// What the report on LoRAs shows them and asks them: the scenes that they learn from, and prompts with the
/// true scene that each should show. Draws nothing.
///
///     for (const Question& question : questions_of_subject(world, ghost)) draw(question.prompt);

#include <string>
#include <vector>

#include "mini/world/world.h"

namespace ziplora::mini {

/// One image that is asked for, and the true scene that it should show.
struct Question {
  std::string prompt;
  SceneContent content;
};

/// How prompts call a style's LoRA.
inline constexpr const char* kStyleName = "szn style";
/// How prompts call a subject's LoRA: "a sks animal".
std::string subject_name(const Subject& subject);

/// One of the images that a subject's LoRA learns from.
struct ShownScene {
  std::string stem;  ///< "1", "2" …: of its file; a style in which nobody drew the subject leaves a gap
  SceneContent content;
};
std::vector<ShownScene> shown_scenes(const World& world, int subject);
/// The one that a style's LoRA learns from.
SceneContent shown_scene_of_style(const World& world, int style);

/// The subject in styles and on backgrounds that its LoRA did not learn from.
std::vector<Question> questions_of_subject(const World& world, int subject);
/// Seen subjects in a style, none of them the one that `shown_scene_of_style` shows.
/// @param style_name  in place of the style's own
std::vector<Question> questions_of_style(const World& world, int style, const std::string& style_name);
/// Seen subjects in a seen style: words that no LoRA was trained on should still mean what they meant.
std::vector<Question> questions_of_others(const World& world);
/// The subject in the style.
std::vector<Question> questions_of_merge(const World& world, int subject, int style);

}  // namespace ziplora::mini
