#include "mini/report/lora_questions.h"

#include <array>

namespace ziplora::mini {
namespace {

/// Styles and backgrounds of a subject's five images, and those in which its LoRA is asked for other
/// drawings.
constexpr std::array kShownStyles = {"noto", "noto", "noto-v1", "fluent-emoji-flat", "fluent-emoji-flat"};
constexpr std::array kShownBackgrounds = {"white", "grass", "white", "blue", "white"};
constexpr std::array kAskedStyles = {"twemoji", "emojione", "blueprint", "watercolour"};
constexpr std::array kAskedBackgrounds = {"white", "night", "green"};
/// The seen subject of a style's one image, and those that its LoRA is asked for.
constexpr const char* kStyleImage = "fox";
constexpr std::array kAskedSubjects = {"cat-face", "tiger-face", "red-apple", "rocket", "rose", "hamburger"};
constexpr const char* kOthersStyle = "noto";

}  // namespace

std::string subject_name(const Subject& subject) { return "a sks " + subject.category; }

std::vector<ShownScene> shown_scenes(const World& world, int subject) {
  const Catalogue& catalogue = world.catalogue();
  std::vector<ShownScene> scenes;
  for (size_t i = 0; i < kShownStyles.size(); ++i) {
    const SceneContent content{.subject = subject,
                               .style = catalogue.style(kShownStyles[i]),
                               .background = catalogue.background(kShownBackgrounds[i])};
    if (world.has_drawing(subject, content.style)) scenes.push_back({std::to_string(i + 1), content});
  }
  return scenes;
}

SceneContent shown_scene_of_style(const World& world, int style) {
  return {.subject = world.catalogue().subject(kStyleImage), .style = style};
}

std::vector<Question> questions_of_subject(const World& world, int subject) {
  const Catalogue& catalogue = world.catalogue();
  std::vector<Question> questions;
  for (const char* style : kAskedStyles)
    for (const char* background : kAskedBackgrounds) {
      const SceneContent content{.subject = subject,
                                 .style = catalogue.style(style),
                                 .background = catalogue.background(background)};
      if (world.has_drawing(subject, content.style))
        questions.push_back({world.caption(content, subject_name(catalogue.subjects[subject])), content});
    }
  return questions;
}

std::vector<Question> questions_of_style(const World& world, int style, const std::string& style_name) {
  std::vector<Question> questions;
  for (const char* subject : kAskedSubjects) {
    const SceneContent content{.subject = world.catalogue().subject(subject), .style = style};
    if (world.has_drawing(content.subject, style))
      questions.push_back({world.caption(content, "", style_name), content});
  }
  return questions;
}

std::vector<Question> questions_of_others(const World& world) {
  return questions_of_style(world, world.catalogue().style(kOthersStyle), "");
}

std::vector<Question> questions_of_merge(const World& world, int subject, int style) {
  const Catalogue& catalogue = world.catalogue();
  std::vector<Question> questions;
  for (const char* background : kAskedBackgrounds) {
    const SceneContent content{
        .subject = subject, .style = style, .background = catalogue.background(background)};
    if (content.background != 0 && !catalogue.styles[style].keeps_background)
      continue;  // its true image shows no background
    questions.push_back(
        {world.caption(content, subject_name(catalogue.subjects[subject]), kStyleName), content});
  }
  return questions;
}

}  // namespace ziplora::mini
