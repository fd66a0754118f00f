// ziplora studio: everything in a browser. The process becomes ziplora-studio (studio/main.cpp).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/commands.h"
#include "studio/launch/options.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::cli {
namespace {

namespace fs = std::filesystem;
using studio::StudioOptions;

constexpr size_t kShortestToken = 16;

bool is_loopback(const std::string& address) {
  return address == "127.0.0.1" || address == "::1" || address == "localhost";
}

void check(const StudioOptions& options) {
  if (options.port < 0 || options.port > 65535)
    throw Error(ErrorKind::kUsage, fmt::format("studio: --port {}", options.port),
                "this is no port, expected 0 to 65535", "leave it out");
  if (!is_loopback(options.listen) && options.token.empty())
    throw Error(ErrorKind::kUsage, "studio: --listen " + options.listen,
                "other machines could use the studio and read its files",
                "add --token with a secret of 16 characters or more, which every page must then bring");
  if (!options.token.empty() && options.token.size() < kShortestToken)
    throw Error(ErrorKind::kUsage, "studio: --token",
                fmt::format("the secret has {} characters", options.token.size()),
                fmt::format("take at least {}", kShortestToken));
}

/// What links leave of a path that is relative to where we are.
std::string whole_path(const fs::path& path) {
  std::error_code failed;
  const fs::path whole = fs::absolute(path, failed);
  return (failed ? path : whole.lexically_normal()).string();
}

/// A pipe with the options in it, which no list of processes shows.
int descriptor_with(const std::string& text) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0 || ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 16) < static_cast<int>(text.size()) ||
      ::write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Error(ErrorKind::kFailed, "studio", std::strerror(errno), "close other programs");
  ::close(ends[1]);
  return ends[0];
}

void become_the_studio(StudioOptions options) {
  check(options);
  options.program = fs::read_symlink("/proc/self/exe");
  const fs::path server = options.program.parent_path() / "ziplora-studio";
  if (!fs::exists(server))
    throw Error(ErrorKind::kFailed, "studio: " + server.string(), "this part of ziplora is not installed",
                "build it from the sources, with 'make studio'");
  options.data = whole_path(options.data.empty() ? studio::default_data_folder() : options.data);
  if (!options.base.empty()) {
    if (!fs::exists(options.base))
      throw Error(ErrorKind::kInput, "studio: --base " + options.base, "there is no such file or folder",
                  "name a diffusers folder or an SDXL checkpoint");
    options.base = whole_path(options.base);
  }
  const std::string descriptor = std::to_string(descriptor_with(json_line(studio::to_json(options))));
  ::execl(server.c_str(), server.c_str(), descriptor.c_str(), nullptr);
  throw Error(ErrorKind::kFailed, "studio: " + server.string(), std::strerror(errno),
              "build it again: 'make studio'");
}

}  // namespace

Verb studio_command(CLI::App& app) {
  auto options = std::make_shared<StudioOptions>();
  auto closed = std::make_shared<bool>(false);
  app.add_option(
         "--data", options->data,
         "Keep library, jobs and images in this folder; default: ziplora/studio where programs keep data")
      ->type_name("FOLDER");
  app.add_option("--base", options->base, "Use this base where a job names none; default: the miniature")
      ->type_name("PATH");
  app.add_option("--port", options->port, "Listen on this port; 0: 7425, or any free one if that is taken");
  app.add_flag("--no-browser", *closed, "Print the address, and open no browser");
  app.add_option("--listen", options->listen,
                 "Listen on this address; others than this machine's own need --token")
      ->type_name("ADDRESS");
  app.add_option("--token", options->token,
                 "Let in those alone who bring this secret: the address that is printed does")
      ->type_name("SECRET");
  app.add_option("--largest-upload", options->largest_upload_bytes,
                 "Take LoRA files of at most this many bytes")
      ->type_name("BYTES");
  app.footer(example("ziplora studio --base sdxl_base.safetensors"));
  return {[options, closed](CommandContext& context) {
    options->open_browser = !*closed;
    options->json = context.json;
    become_the_studio(*options);
  }};
}

}  // namespace ziplora::cli
