#include "ziplora/lora/module_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>

namespace ziplora {
namespace {

constexpr uint32_t kMatchLimit = 100'000;  // steps of backtracking; true patterns take a few hundred
constexpr size_t kLengthLimitBytes = 2000;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

PCRE2_SPTR bytes_of(const std::string& text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

bool matches_module(const std::string& pattern, const std::string& module) {
  if (module == pattern || module.ends_with("." + pattern)) return true;
  if (pattern.size() > kLengthLimitBytes) return false;
  const std::string whole = "(.*\\.)?(" + pattern + ")$";
  int problem = 0;
  PCRE2_SIZE at = 0;
  const Owned<pcre2_code> code(
      pcre2_compile(bytes_of(whole), whole.size(), PCRE2_ANCHORED, &problem, &at, nullptr));
  if (!code) return false;
  const Owned<pcre2_match_data> data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  const Owned<pcre2_match_context> limits(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(limits.get(), kMatchLimit);
  return pcre2_match(code.get(), bytes_of(module), module.size(), 0, 0, data.get(), limits.get()) > 0;
}

}  // namespace ziplora
