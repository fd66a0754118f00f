#pragma once
/// The studio over HTTP, on one address until it is told to stop.
///
///     Server server(studio);
///     const std::string address = server.bind();   // "http://127.0.0.1:34567/"
///     server.run();                                // returns after stop(), from any thread

#include <httplib.h>

#include <memory>
#include <string>

#include "studio/guard.h"
#include "studio/studio.h"

namespace ziplora::studio {

class Call;

class Server {
 public:
  explicit Server(Studio& studio);
  /// @return what a browser opens
  /// @throws Error(kFailed) if the address is not this machine's, or the port is taken
  std::string bind();
  void run();
  void stop();

 private:
  void serve(const httplib::Request& request, httplib::Response& response,
             const httplib::ContentReader* content);
  void answer(const httplib::Request& request, Call& call);
  void send_page(Call& call) const;
  Studio& studio_;
  httplib::Server http_;
  std::unique_ptr<Guard> guard_;
};

}  // namespace ziplora::studio
