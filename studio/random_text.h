#pragma once
/// Unpredictable names and tokens, from the system.

#include <cstddef>
#include <string>
#include <string_view>

namespace ziplora::studio {

/// @return two hexadecimal digits a byte
/// @throws Error(kFailed) if the system gives none
std::string random_text(size_t size_bytes);

/// Takes as long whether they differ early or late.
bool is_same_secret(std::string_view given, std::string_view expected);

}  // namespace ziplora::studio
