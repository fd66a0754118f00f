#include "studio/guard.h"

#include <fmt/format.h>

#include "studio/random_text.h"

namespace ziplora::studio {

Guard::Guard(const StudioOptions& options, std::string token, int port)
    : token_(std::move(token)),
      listen_(options.listen),
      port_(port),
      is_open_to_others_(options.is_open_to_others()) {}

bool Guard::is_our_host(std::string_view host) const {
  // An address of all interfaces has as many names as the machine; there the token alone decides, which no page of
  // another origin can learn.
  if (is_open_to_others_ && (listen_ == "0.0.0.0" || listen_ == "::")) return true;
  for (const std::string& name :
       {std::string("127.0.0.1"), std::string("localhost"), std::string("[::1]"), listen_})
    if (host == fmt::format("{}:{}", name, port_)) return true;
  return false;
}

bool Guard::may_ask_for_page(const Asked& asked) const {
  return asked.path == "/" && (asked.method == "GET" || asked.method == "HEAD") && !is_open_to_others_;
}

std::optional<Refusal> Guard::check(const Asked& asked) const {
  if (!is_our_host(asked.host))
    return Refusal(421, "forbidden", "host", "the request is meant for another host than this studio",
                   fmt::format("open http://127.0.0.1:{}/", port_));
  if (!asked.origin.empty() && asked.origin != "http://" + asked.host)
    return Refusal(403, "forbidden", "origin", "the request comes from a page of another origin",
                   "use the studio's own page");
  if (asked.fetch_site == "cross-site" || asked.fetch_site == "same-site") {
    // A link to the page is fine: it says nothing and changes nothing.
    if (!may_ask_for_page(asked))
      return Refusal(403, "forbidden", "origin", "the request comes from a page of another site",
                     "use the studio's own page");
  }
  if (may_ask_for_page(asked)) return std::nullopt;
  const bool reads = asked.method == "GET" || asked.method == "HEAD";
  if (!(asked.has_ticket && reads) && !is_same_secret(asked.token, token_))
    return Refusal(401, "forbidden", "token", "the session's token is missing or another one",
                   "load the page again: each start of the studio has a new one");
  return std::nullopt;
}

}  // namespace ziplora::studio
