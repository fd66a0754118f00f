#pragma once
/// The page, one HTML file that is built into the program.

#include <string>
#include <string_view>

namespace ziplora::studio {

/// As it was built. Until the page itself is there, one that says so.
std::string_view page_resource();

/// With what only this run and this answer know.
/// @param nonce  allows the page's own script and no other
std::string page_for(const std::string& token, const std::string& nonce);

}  // namespace ziplora::studio
