#pragma once
/// Keeps command-line words whole that CLI11 would take apart: it reads "[a fox, in ink]" as a list of two
/// where an option takes several values (CLI/Option.hpp, _add_result), and a prompt may well stand in
/// brackets.
///
///     keep_whole(word);              // before the word reaches CLI11
///     restore_whole_words(verb);     // its options see the word as it was

#include <CLI/App.hpp>

#include <string>

namespace ziplora::cli {

/// Marks a word that ends in ']', so that CLI11 sees no closing bracket.
std::string keep_whole(const std::string& word);
/// Takes the mark off again.
std::string restored(std::string word);
/// Takes it off every option's values, before anything reads them.
void restore_whole_words(CLI::App& verb);

}  // namespace ziplora::cli
