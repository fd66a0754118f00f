#include "cli/terminal/terminal_query.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace ziplora::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(1);
constexpr std::string_view kQuestion = "\x1b[c";

/// The controlling terminal, taking keys one by one and showing none, until the end of its life.
class QuietTerminal {
 public:
  QuietTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (descriptor_ < 0 || ::tcgetpgrp(descriptor_) != ::getpgrp() || ::tcgetattr(descriptor_, &before_) != 0)
      return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    quiet.c_cc[VMIN] = 0;
    quiet.c_cc[VTIME] = 0;
    is_ready_ = ::tcsetattr(descriptor_, TCSANOW, &quiet) == 0;
  }
  ~QuietTerminal() {
    // An answer that comes late would be typed at the prompt: what has come by now is thrown away.
    if (is_ready_) ::tcsetattr(descriptor_, has_answered_ ? TCSADRAIN : TCSAFLUSH, &before_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  std::string ask() {
    int waiting = 0;
    if (!is_ready_ || ::ioctl(descriptor_, FIONREAD, &waiting) != 0) return "";
    if (waiting > 0) {
      has_answered_ = true;  // not asked, and the keys stay
      return "";
    }
    if (::write(descriptor_, kQuestion.data(), kQuestion.size()) != static_cast<ssize_t>(kQuestion.size()))
      return "";
    std::string answer;
    for (const auto end = steady_clock::now() + kPatience; !has_answered_;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
      pollfd ready{descriptor_, POLLIN, 0};
      char byte = 0;
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0 ||
          ::read(descriptor_, &byte, 1) != 1)
        return "";
      answer += byte;
      has_answered_ = byte == 'c';
    }
    return answer;
  }

 private:
  int descriptor_;
  termios before_{};
  bool is_ready_ = false, has_answered_ = false;
};

}  // namespace

bool names_sixel(std::string_view answer) {
  const size_t begin = answer.rfind("\x1b[?");
  if (begin == std::string_view::npos || !answer.ends_with('c')) return false;
  answer = answer.substr(begin + 3, answer.size() - begin - 4);
  // The first number is the terminal's class.
  for (size_t semicolon = answer.find(';'); semicolon != std::string_view::npos;) {
    const size_t next = answer.find(';', semicolon + 1);
    if (answer.substr(semicolon + 1, next - semicolon - 1) == "4") return true;
    semicolon = next;
  }
  return false;
}

bool terminal_says_sixel() { return names_sixel(QuietTerminal().ask()); }

WindowSize window_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    size = {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  if (size.ws_xpixel > 0 && size.ws_ypixel > 0) return {size.ws_xpixel, size.ws_ypixel};
  return {8 * size.ws_col, 16 * size.ws_row};
}

}  // namespace ziplora::cli
