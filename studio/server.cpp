#include "studio/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "studio/call.h"
#include "studio/connection_threads.h"
#include "studio/page.h"
#include "studio/random_text.h"
#include "studio/refusal.h"
#include "studio/route.h"

namespace ziplora::studio {
namespace {

/// So that a bookmark, and what a browser keeps for the page, still fit after a restart.
constexpr int kUsualPort = 7425;
constexpr size_t kMostConnections = 512;
constexpr int kSecondsToRead = 10, kSecondsToWrite = 30, kBacklog = 512;

Asked asked_of(const httplib::Request& request) {
  std::string token = request.get_header_value("X-Ziplora-Token");
  if (token.empty()) token = request.get_param_value("token");
  return {.method = request.method,
          .path = request.path,
          .host = request.get_header_value("Host"),
          .origin = request.get_header_value("Origin"),
          .fetch_site = request.get_header_value("Sec-Fetch-Site"),
          .token = token};
}

/// On every answer: it is for this page alone, and stays in no cache.
const httplib::Headers& headers_of_all() {
  static const httplib::Headers headers = {{"Cache-Control", "no-store"},
                                           {"Cross-Origin-Opener-Policy", "same-origin"},
                                           {"Cross-Origin-Resource-Policy", "same-origin"},
                                           {"Referrer-Policy", "no-referrer"},
                                           {"X-Content-Type-Options", "nosniff"},
                                           {"X-Frame-Options", "DENY"}};
  return headers;
}

/// The page shows and loads nothing that is not from here; an image is no page.
std::string content_policy(const std::string& nonce) {
  return fmt::format(
      "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src 'self' data: blob:; "
      "connect-src 'self'; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      nonce);
}

}  // namespace

Server::Server(Studio& studio) : studio_(studio) {
  http_.new_task_queue = [] { return new ConnectionThreads(kMostConnections); };
  // One request a connection: what is left of a body that was refused is never taken for the next request.
  http_.set_keep_alive_max_count(1);
  http_.set_read_timeout(kSecondsToRead);
  http_.set_write_timeout(kSecondsToWrite);
  http_.set_payload_max_length(studio.options.largest_upload_bytes);
  http_.set_tcp_nodelay(true);
  http_.set_default_headers(headers_of_all());
  const auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
    serve(request, response, nullptr);
  };
  const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& content) {
    serve(request, response, &content);
  };
  http_.Get(".*", without_body);
  http_.Options(".*", without_body);
  http_.Post(".*", with_body);
  http_.Put(".*", with_body);
  http_.Patch(".*", with_body);
  http_.Delete(".*", without_body);
  http_.Delete(".*", with_body);
  http_.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty() || response.status < 400) return;
    const Refusal refusal(response.status, "usage", request.method.empty() ? "request" : request.method,
                          fmt::format("the request was refused with status {}", response.status),
                          "see studio/openapi.json for what can be asked");
    response.set_content(refusal.body().dump(), "application/json");
  });
}

std::string Server::bind() {
  const StudioOptions& options = studio_.options;
  int socket = -1;
  http_.set_socket_options([&socket](socket_t made) {
    const int yes = 1;
    ::setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // a restart takes the same port at once
    socket = made;
  });
  errno = 0;
  int port = options.port != 0 ? options.port : kUsualPort;
  if (!http_.bind_to_port(options.listen, port))
    port = options.port != 0 ? -1 : http_.bind_to_any_port(options.listen);
  if (port <= 0)
    throw Error(ErrorKind::kFailed, fmt::format("studio: {}:{}", options.listen, options.port),
                errno ? std::strerror(errno) : "the address cannot be used", "name another port, or none");
  ::listen(socket, kBacklog);  // the library's own queue has five places
  guard_ = std::make_unique<Guard>(options, options.token.empty() ? random_text(32) : options.token, port);
  const std::string host =
      options.listen == "0.0.0.0" || options.listen == "::" ? "127.0.0.1" : options.listen;
  const std::string address =
      fmt::format("http://{}:{}/", host.find(':') == std::string::npos ? host : "[" + host + "]", port);
  return options.is_open_to_others() ? address + "?token=" + options.token : address;
}

void Server::run() { http_.listen_after_bind(); }

void Server::stop() {
  studio_.events.close();
  http_.stop();
}

void Server::send_page(Call& call) const {
  const std::string nonce = random_text(16);
  call.response().set_header("Content-Security-Policy", content_policy(nonce));
  call.answer_text(page_for(guard_->token(), nonce), "text/html; charset=utf-8");
}

void Server::answer(const httplib::Request& request, Call& call) {
  Asked asked = asked_of(request);
  asked.has_ticket = studio_.tickets.fits(asked.path, asked.token);
  if (const auto refusal = guard_->check(asked)) throw *refusal;
  if (request.path == "/" && (request.method == "GET" || request.method == "HEAD")) return send_page(call);
  const FoundRoute found = find_route(request.method, request.path);
  if (!found.route && found.path_is_known)
    throw Refusal(405, "usage", request.method, "this path takes other methods", "see studio/openapi.json");
  if (!found.route)
    throw Refusal(404, "not-found", "path", "there is no such path", "see studio/openapi.json");
  call.parameter = found.parameter;
  call.response().set_header("Content-Security-Policy", "default-src 'none'; sandbox");
  found.route->handle(studio_, call);
}

void Server::serve(const httplib::Request& request, httplib::Response& response,
                   const httplib::ContentReader* content) {
  Call call(request, response, content);
  const auto refuse = [&](const Refusal& refusal) {
    call.drain();
    call.answer_refusal(refusal.status(), refusal.body());
  };
  try {
    answer(request, call);
  } catch (const Refusal& refusal) {
    refuse(refusal);
  } catch (const Error& error) {
    refuse(Refusal(error));
  } catch (const std::filesystem::filesystem_error& error) {
    const bool is_full = error.code() == std::errc::no_space_on_device;
    refuse(Refusal(is_full ? 507 : 500, is_full ? "exhausted" : "failed", error.path1().string(),
                   error.code().message(),
                   is_full ? "make room on the disk" : "check the path and its permissions"));
  } catch (const nlohmann::json::exception& error) {
    refuse(Refusal(400, "usage", "body", error.what(), "see studio/openapi.json for what belongs here"));
  } catch (const std::exception& error) {
    refuse(Refusal(500, "internal", "internal error", error.what(), "please report it"));
  }
}

}  // namespace ziplora::studio
