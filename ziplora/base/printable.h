#pragma once
/// Makes text safe for a terminal when it quotes names from files of unknown origin.
///
///     printable("the key \x1b[2J…")  // "the key \\x1b[2J…"

#include <string>

namespace ziplora {

/// Control characters, which could recolour or clear a terminal, become \xNN. Words longer than any real name
/// lose their middle.
std::string printable(const std::string& text);

}  // namespace ziplora
