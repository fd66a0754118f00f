#include "cli/frame/printing.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"
#include "ziplora/base/printable.h"

namespace ziplora::cli {
namespace {

/// Not through stdio or iostreams: they buffer, and report a failure late or by an exception.
/// @return errno, or 0
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (written == 0) {
      return EIO;
    } else if (errno == EAGAIN) {  // whoever shares this terminal or pipe made it non-blocking
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

[[noreturn]] void fail(int code) {
  throw Error(ErrorKind::kExhausted, "stdout",
              std::string("the result could not be written: ") + std::strerror(code),
              "free some space where stdout goes, or let its reader read to the end");
}

/// File names and prompts may have any encoding: other bytes become U+FFFD.
template <class Json>
std::string json_text(const Json& value, int indent) {
  return visible_json(value.dump(indent, ' ', false, Json::error_handler_t::replace)) + "\n";
}

void print_out_bytes(std::string_view bytes) {
  const int code = write_all(STDOUT_FILENO, bytes);
  if (code != 0 && code != EPIPE) fail(code);
}

template <class Json>
void print_out_any_json(const Json& value, int indent) {
  if (const int code = write_all(STDOUT_FILENO, json_text(value, indent))) fail(code);
}

}  // namespace

std::string Piece::bytes() const { return is_code_ ? std::string(text_) : visible(text_); }

void print_out(std::string_view text) { print_out_bytes(visible(text)); }
void print_out_image(std::string_view sequence) { print_out_bytes(sequence); }

void print_out_json(const nlohmann::ordered_json& value, int indent) { print_out_any_json(value, indent); }
void print_out_json(const nlohmann::json& value, int indent) { print_out_any_json(value, indent); }

void print_err(std::initializer_list<Piece> pieces) {
  std::string line;
  for (const Piece& piece : pieces) line += piece.bytes();
  write_all(STDERR_FILENO, line);  // whoever cannot be told is not told
}

void print_err_json(const nlohmann::ordered_json& value) { write_all(STDERR_FILENO, json_text(value, -1)); }

void occupy_closed_standard_files() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number, which is this one. In the wrong direction, so that its use fails.
    ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace ziplora::cli
