#pragma once
/// Who may ask. The studio listens on this machine's own address, yet any page that a browser shows can send requests
/// there; so each must name a host that is ours (no DNS rebinding), must not come from a page of another origin, and must
/// carry the session's token, which only our own page knows.
///
///     const Guard guard(options, port);
///     if (auto refusal = guard.check(asked)) …

#include <optional>
#include <string>
#include <string_view>

#include "studio/launch/options.h"
#include "studio/refusal.h"

namespace ziplora::studio {

/// What the guard looks at.
struct Asked {
  std::string method, path;
  std::string host, origin, fetch_site;
  /// Of the header, else of the query.
  std::string token;
  /// Whether that is the ticket of this path.
  bool has_ticket = false;
};

class Guard {
 public:
  /// @param token  what the header must carry
  Guard(const StudioOptions& options, std::string token, int port);
  std::optional<Refusal> check(const Asked& asked) const;
  const std::string& token() const { return token_; }

 private:
  bool is_our_host(std::string_view host) const;
  bool may_ask_for_page(const Asked& asked) const;
  std::string token_, listen_;
  int port_;
  bool is_open_to_others_;
};

}  // namespace ziplora::studio
