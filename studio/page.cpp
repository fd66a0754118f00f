#include "studio/page.h"

namespace ziplora::studio {
namespace {

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string page_for(const std::string& token, const std::string& nonce) {
  return replaced(replaced(std::string(page_resource()), "__ZIPLORA_TOKEN__", token), "__ZIPLORA_NONCE__",
                  nonce);
}

}  // namespace ziplora::studio
