#pragma once
/// Secrets that open one address each, as long as the server runs. A page that carries scripts of its own, such as a report, is
/// opened by its ticket: the session's token is not in its address, where these could read it.
///
///     tickets.address("/api/v1/jobs/7/report")          // "/api/v1/jobs/7/report?token=…"
///     tickets.fits("/api/v1/jobs/7/report", given)

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace ziplora::studio {

class Tickets {
 public:
  std::string address(const std::string& path) const;
  bool fits(const std::string& path, std::string_view given) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> tickets_;
};

}  // namespace ziplora::studio
