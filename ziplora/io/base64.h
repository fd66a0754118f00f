#pragma once
/// Bytes as text, for images inside HTML (RFC 4648, section 4: with + and /, padded, without line breaks).

#include <string>
#include <string_view>

namespace ziplora {

std::string base64(std::string_view bytes);

}  // namespace ziplora
