#pragma once
/// One request that has passed the guard, and its answer, for the handlers of routes.
///
///     void show_job(Studio& studio, Call& call) { call.answer(studio.jobs.job(call.id())); }

#include <httplib.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ziplora::studio {

/// Of JSON bodies.
inline constexpr uint64_t kLargestJsonBody = uint64_t{1} << 20;

class Call {
 public:
  /// @param content  nullptr for requests without a body
  Call(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader* content)
      : request_(request), response_(response), content_(content) {}

  /// What stands for the {…} of the route's path.
  std::string parameter;

  /// `parameter` as the number of a thing.
  /// @throws Refusal(404) if it is none
  int64_t id() const;
  std::optional<std::string> query(const std::string& name) const;
  /// @throws Refusal(400) if it is no whole number
  std::optional<int64_t> query_number(const std::string& name) const;
  std::string header(const std::string& name) const { return request_.get_header_value(name); }

  /// @throws Refusal(400) if it is no JSON object, Refusal(413) if it is too long
  nlohmann::json body() const;
  /// Streams the body to the file, which appears whole or not at all.
  /// @param refuse_start  is given the first bytes, at most 64, and throws if no such file may come
  /// @throws Refusal(413) beyond the limit, Refusal(400) if the client left, as AtomicFile
  void save_body(const std::filesystem::path& file, uint64_t limit,
                 const std::function<void(std::string_view head)>& refuse_start) const;
  /// Reads and forgets what is left of a body that is refused, so that the client hears why: up to 8 MB of it. Waits for nothing
  /// beyond the length that the client announced.
  void drain() const;

  void answer(const nlohmann::json& json, int status = 200);
  void answer_nothing() { response_.status = 204; }
  void answer_text(std::string text, const std::string& type);
  /// @param download  the name to save it under; empty: to be shown
  /// @throws Refusal(410) if it cannot be opened
  void answer_file(const std::filesystem::path& file, const std::string& type, const std::string& download);
  void answer_refusal(int status, const nlohmann::json& body);
  httplib::Response& response() { return response_; }

 private:
  const httplib::Request& request_;
  httplib::Response& response_;
  /// Of the body, which is handed on piece by piece. @return false if the client left, or `take` did not want more
  bool read_body(const httplib::ContentReceiver& take) const;
  const httplib::ContentReader* content_;
  mutable uint64_t received_ = 0;
};

}  // namespace ziplora::studio
