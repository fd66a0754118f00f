#include "studio/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"

namespace ziplora::studio {
namespace {

constexpr size_t kLongestLine = size_t{16} << 20, kLongestOutput = size_t{64} << 20;

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw Error(ErrorKind::kExhausted, "studio: start a worker", std::strerror(errno),
                  "close other programs, or raise the limit of open files");
    read_end = ends[0];
    write_end = ends[1];
  }
};

/// In the child: only calls that are safe between fork and exec, for other threads may hold any lock.
[[noreturn]] void become(const std::vector<char*>& words, const char* folder, const Pipe& out,
                         const Pipe& err, pid_t studio) {
  ::setpgid(0, 0);
  // Sent again as each further thread of the studio dies: a second SIGTERM would end a worker that is saving its state.
  ::prctl(PR_SET_PDEATHSIG, SIGHUP);
  if (::getppid() != studio) ::_exit(127);  // it died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out.write_end, STDOUT_FILENO);
  ::dup2(err.write_end, STDERR_FILENO);
  ::close_range(3, ~0U, 0);  // sockets of pages, too, which would stay open as long as the worker
  if (::chdir(folder) == 0) ::execv(words[0], words.data());
  const char text[] =
      "{\"event\":\"error\",\"kind\":\"failed\",\"where\":\"studio\",\"problem\":\"the program cannot be "
      "started\",\"hint\":\"was it moved? start the studio again\"}\n";
  static_cast<void>(!::write(STDERR_FILENO, text, sizeof text - 1));
  ::_exit(127);
}

/// Hands over whole lines and keeps the rest.
void take_lines(std::string& text, bool at_end, const std::function<void(std::string_view)>& on_line) {
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    on_line(std::string_view(text).substr(begin, end - begin));
  text.erase(0, begin);
  if (!text.empty() && (at_end || text.size() > kLongestLine)) {
    on_line(text);
    text.clear();
  }
}

/// @return false at the end
bool read_more(int& descriptor, std::string& into, size_t limit) {
  std::array<char, 1 << 16> block;
  const ssize_t got = ::read(descriptor, block.data(), block.size());
  if (got < 0 && errno == EINTR) return true;
  if (got > 0) {
    if (into.size() < limit) into.append(block.data(), static_cast<size_t>(got));
    return true;
  }
  ::close(descriptor);
  descriptor = -1;
  return false;
}

int milliseconds_to(const std::optional<std::chrono::steady_clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count()));
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& words, const std::filesystem::path& folder) {
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::string place = folder.string();
  const Pipe out, err;
  const pid_t studio = ::getpid();
  process_ = ::fork();
  if (process_ == 0) become(pointers, place.c_str(), out, err, studio);
  ::close(out.write_end);
  ::close(err.write_end);
  out_ = out.read_end;
  err_ = err.read_end;
  if (process_ < 0) {
    ::close(out_);
    ::close(err_);
    throw Error(ErrorKind::kExhausted, "studio: start a worker", std::strerror(errno),
                "close other programs");
  }
  ::setpgid(process_, process_);  // here, too: whoever is first
}

ChildProcess::~ChildProcess() {
  if (process_ > 0) {
    send(SIGKILL);
    wait();
  }
  for (const int descriptor : {out_, err_})
    if (descriptor >= 0) ::close(descriptor);
}

void ChildProcess::send(int signal_number) {
  const std::lock_guard lock(mutex_);
  if (process_ > 0) ::kill(-process_, signal_number);
}

std::string ChildProcess::read(const std::function<void(std::string_view line)>& on_line,
                               std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::string result, lines;
  while (out_ >= 0 || err_ >= 0) {
    std::array<pollfd, 2> watched{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), milliseconds_to(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      send(SIGKILL);
      break;
    }
    if (watched[0].revents != 0) read_more(out_, result, kLongestOutput);
    if (watched[1].revents != 0) take_lines(lines, !read_more(err_, lines, 2 * kLongestLine), on_line);
  }
  return result;
}

int ChildProcess::wait() {
  int status = 0;
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::string start_of(pid_t process) {
  try {
    const std::string text = read_file("/proc/" + std::to_string(process) + "/stat");
    // Field 22; the name in brackets may hold spaces.
    size_t at = text.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
    if (at == std::string::npos) return "";
    return text.substr(at + 1, text.find(' ', at + 1) - at - 1);
  } catch (const Error&) {
    return "";
  }
}

bool is_still_there(pid_t process, const std::string& started) {
  return process > 0 && !started.empty() && start_of(process) == started;
}

}  // namespace ziplora::studio
