#pragma once
/// Makes text safe for a terminal when it quotes what files of unknown origin hold: names, prompts, metadata.
///
///     visible("dog\x1b[2J")             // "dog\\x1b[2J"
///     printable("the key \x1b[2J…")     // the same, and words too long to read lose their middle
///     visible_json("\"\u202e\"")        // "\"\\u202e\"", the same JSON value

#include <string>
#include <string_view>

namespace ziplora {

/// Shows what a terminal would obey instead of show: control characters (C0, DEL, C1) become \xNN; marks that
/// reorder text, and line and paragraph separators, become \uNNNN. Bytes that are not UTF-8 become U+FFFD, as in
/// JSON. Line feeds stay. The result is valid UTF-8.
std::string visible(std::string_view text);

/// For messages: `visible`, and words longer than any real name lose their middle.
std::string printable(std::string_view text);

/// For JSON text: the same characters as JSON's own escapes, so that every value stays what it is.
/// @param json  valid JSON in UTF-8
std::string visible_json(std::string_view json);

}  // namespace ziplora
