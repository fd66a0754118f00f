#include "cli/frame/whole_words.h"

namespace ziplora::cli {
namespace {

constexpr char kMark = '\x1f';  // ASCII's unit separator, which nobody types in a file name or prompt

}  // namespace

std::string keep_whole(const std::string& word) { return word.ends_with(']') ? word + kMark : word; }

std::string restored(std::string word) {
  if (word.ends_with(kMark)) word.pop_back();
  return word;
}

void restore_whole_words(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options())
    option->transform([](const std::string& word) { return restored(word); });
}

}  // namespace ziplora::cli
