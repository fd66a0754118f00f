#pragma once
/// The only way to stdout and stderr. What reaches a terminal is cleaned here, so no caller has to think of it;
/// tools/check_edges.py finds who prints past it.
///
///     print_out(table);                                                 // the result
///     print_err({kRed, "error:", kPlain, " ", error.what(), "\n"});     // everything else
///
/// A result that cannot be written is an error. Messages and progress that cannot are dropped: a full disk or a
/// lost terminal behind stderr must not end hours of work.

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ziplora::cli {

/// A command to the terminal; the constants below are all that there are.
struct TerminalCode {
  const char* sequence;
};

inline constexpr TerminalCode kRed{"\x1b[31m"}, kYellow{"\x1b[33m"}, kPlain{"\x1b[0m"};
inline constexpr TerminalCode kLineStart{"\r"}, kEraseRest{"\x1b[K"};

/// Text that is cleaned, or a command that is not.
class Piece {
 public:
  Piece(TerminalCode code) : text_(code.sequence), is_code_(true) {}  // NOLINT: implicit, for lists
  Piece(std::string_view text) : text_(text) {}                       // NOLINT
  Piece(const std::string& text) : text_(text) {}                     // NOLINT
  Piece(const char* text) : text_(text) {}                            // NOLINT
  /// What is written.
  std::string bytes() const;

 private:
  std::string_view text_;
  bool is_code_ = false;
};

/// @throws Error(kExhausted) if it cannot be written. A reader who left early, such as `head`, has what it wanted.
void print_out(std::string_view text);

/// An image as a terminal takes it. Not cleaned: whoever encoded it made all of it, out of pixels.
/// @throws as print_out
void print_out_image(std::string_view sequence);

/// One JSON value and a line feed. Control characters are escaped; the value stays what it is.
/// @param indent  −1: on one line
/// @throws Error(kExhausted) if it cannot be written, and if its reader left early: half of it is no JSON
void print_out_json(const nlohmann::ordered_json& value, int indent);
void print_out_json(const nlohmann::json& value, int indent);

/// Never fails.
void print_err(std::initializer_list<Piece> pieces);

/// One JSON value on a line. Never fails.
void print_err_json(const nlohmann::ordered_json& value);

/// For `stdin`, `stdout` and `stderr` that were closed at the start: without it the next file that is opened
/// would take their place and get our messages. What is written to them fails, as it should.
void occupy_closed_standard_files();

}  // namespace ziplora::cli
