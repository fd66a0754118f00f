#include "studio/tickets.h"

#include "studio/random_text.h"

namespace ziplora::studio {

std::string Tickets::address(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::string& ticket = tickets_[path];
  if (ticket.empty()) ticket = random_text(16);
  return path + "?token=" + ticket;
}

bool Tickets::fits(const std::string& path, std::string_view given) const {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(path);
  return found != tickets_.end() && is_same_secret(given, found->second);
}

}  // namespace ziplora::studio
