#pragma once
/// Text that quotes names from files which anyone may have made, fit for a terminal.
///
///     printable("the key \x1b[2J…")   // "the key \\x1b[2J…"

#include <string>

namespace ziplora {

/// Control characters, which could recolour or clear a terminal, become \xNN; words longer than any true name
/// lose their middle.
std::string printable(const std::string& text);

}  // namespace ziplora
