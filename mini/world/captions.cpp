#include "mini/world/captions.h"

#include <map>
#include <set>

namespace ziplora::mini {
namespace {

/// A category with its article: "an animal", "some food", "a piece of clothing".
std::string category_phrase(const std::string& category) {
  // Categories for which "a" or "an" and the name would read badly.
  static const std::map<std::string, std::string> kPhrases = {{"clothing", "a piece of clothing"},
                                                              {"food", "some food"},
                                                              {"weather", "a thing in the sky"},
                                                              {"sport", "a thing for sport"},
                                                              {"fruit", "a piece of fruit"}};
  auto found = kPhrases.find(category);
  if (found != kPhrases.end()) return found->second;
  bool vowel = std::string_view("aeio").find(category[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + category;
}

std::string one(const Subject& subject) { return subject.article + " " + subject.words; }

bool ends_with_word(const std::string& text, const std::string& word) {
  return text == word ||
         (text.size() > word.size() && text.ends_with(word) && text[text.size() - word.size() - 1] == ' ');
}

/// Fraction of the captions that name no style.
constexpr float kUnstyled = 0.08f;

std::string varied_subject(const Subject& subject, const SceneContent& content, SceneRandom& random) {
  if (content.count == 2) return "two " + subject.plural;
  bool named_already = ends_with_word(subject.words, subject.category);  // "a grinning face" is a face
  float draw = random.uniform();
  if (draw < 0.05f) return category_phrase(subject.category);
  if (draw < 0.11f && !named_already) return one(subject) + " " + subject.category;
  if (draw < 0.17f && !named_already) return one(subject) + ", " + category_phrase(subject.category) + ",";
  return one(subject);
}

/// The subject with what is around it: background and second object in either order, each sometimes left out.
std::string varied_scene(const Catalogue& catalogue, const SceneContent& content, SceneRandom& random) {
  std::string text = varied_subject(catalogue.subjects[content.subject], content, random);
  std::string beside, around;
  if (content.second_subject >= 0 && !random.chance(0.05f)) {
    beside = (random.chance(0.7f) ? " next to " : " and ") + one(catalogue.subjects[content.second_subject]);
  }
  const std::vector<std::string>& phrases = catalogue.backgrounds[content.background].phrases;
  if (!phrases.empty() && !random.chance(0.08f))
    around = " " + phrases[random.chance(0.6f) ? 0 : random.below(phrases.size())];
  if (beside.starts_with(" and ") || random.chance(0.5f)) return text + beside + around;
  return text + around + beside;
}

std::string trim_comma(std::string text) {
  if (text.ends_with(",")) text.pop_back();
  return text;
}

}  // namespace

std::string plain_caption(const Catalogue& catalogue, const SceneContent& content,
                          std::string_view subject_name, std::string_view style_name) {
  const Subject& subject = catalogue.subjects[content.subject];
  std::string text = content.count == 2 ? "two " + subject.plural : one(subject);
  if (!subject_name.empty()) text = subject_name;
  if (content.second_subject >= 0) text += " next to " + one(catalogue.subjects[content.second_subject]);
  const Background& background = catalogue.backgrounds[content.background];
  if (!background.phrases.empty()) text += " " + background.phrases.front();
  if (!style_name.empty()) return text + ", in " + std::string(style_name);
  return content.style < 0 ? text : text + ", in " + catalogue.styles[content.style].phrases.front();
}

std::string varied_caption(const Catalogue& catalogue, const SceneContent& content, SceneRandom& random) {
  std::string scene = varied_scene(catalogue, content, random);
  const std::vector<std::string>& phrases = catalogue.styles[content.style].phrases;
  std::string style = phrases[random.chance(0.5f) ? 0 : random.below(phrases.size())];
  float draw = random.uniform();
  if (content.palette >= 0) {
    style = catalogue.palettes[content.palette].words + " " + (random.chance(0.5f) ? style : "style");
    draw = kUnstyled + (1 - kUnstyled) * draw;  // unusual colours are always named
  }
  if (draw < 0.75f * kUnstyled) return trim_comma(scene);  // no style: any artist may have drawn it
  if (draw < kUnstyled) return "a drawing of " + trim_comma(scene);
  if (draw < 0.36f) return trim_comma(scene) + ", in " + style;
  if (draw < 0.66f) return scene + " in " + style;
  if (draw < 0.78f) return "a drawing of " + scene + " in " + style;
  // "picture", not the glossary's "image": the committed base has learned these words.
  if (draw < 0.86f) return "a picture of " + scene + " in " + style;
  if (draw < 0.93f) return style + " of " + trim_comma(scene);
  return trim_comma(scene) + ", " + style;
}

const std::vector<std::string>& rare_words() {
  static const std::vector<std::string> kWords = {"sks", "szn", "zwx", "vlk", "qrb", "bnh", "mrl", "tok",
                                                  "ohw", "xjy", "fyp", "gzk", "wqd", "krv", "hjs", "plq"};
  return kWords;
}

std::vector<std::string> caption_vocabulary(const Catalogue& catalogue) {
  std::set<std::string> words;
  auto add = [&words](const std::string& phrase) {
    for (size_t start = 0; start < phrase.size();) {
      size_t end = phrase.find_first_of(" ,", start);
      if (end == std::string::npos) end = phrase.size();
      if (end > start) words.insert(phrase.substr(start, end - start));
      start = end + 1;
    }
  };
  // The words of the sentences themselves, as varied_caption and plain_caption spell them.
  add("a an two and next to in of drawing picture style");
  for (const Subject& subject : catalogue.subjects) {
    add(subject.words), add(subject.plural), add(subject.category), add(category_phrase(subject.category));
  }
  for (const Style& style : catalogue.styles) {
    for (const std::string& phrase : style.phrases) add(phrase);
  }
  for (const Background& background : catalogue.backgrounds) {
    for (const std::string& phrase : background.phrases) add(phrase);
  }
  for (const Palette& palette : catalogue.palettes) add(palette.words);
  words.insert(rare_words().begin(), rare_words().end());
  return {words.begin(), words.end()};
}

}  // namespace ziplora::mini
