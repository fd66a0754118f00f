#pragma once
/// Opens the page in the user's browser, if there is a desktop.

#include <string>

namespace ziplora::studio {

/// Whether or not it works: the address was printed.
void open_browser(const std::string& address);

}  // namespace ziplora::studio
