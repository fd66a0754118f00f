#pragma once
/// Protects words that CLI11 would split: if an option takes several values, it reads "[a fox, in ink]" as a
/// list of two (CLI/Option.hpp, _add_result), and a prompt may well be in brackets.
///
///     keep_whole(word);           // before the word reaches CLI11
///     restore_whole_words(verb);  // its options see the original word

#include <CLI/App.hpp>

#include <string>

namespace ziplora::cli {

/// Marks a word that ends in ']', so that CLI11 sees no closing bracket.
std::string keep_whole(const std::string& word);
/// Removes the mark.
std::string restored(std::string word);
/// Removes the mark from the values of every option before anything reads them.
void restore_whole_words(CLI::App& verb);

}  // namespace ziplora::cli
