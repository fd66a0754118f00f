#pragma once
/// A program that runs for the studio, in a process group of its own. It dies with the studio: the system sends it
/// SIGHUP when the thread that started it ends, kill -9 included.
///
///     ChildProcess worker({"/usr/bin/ziplora", "merge", "--json"}, folder);
///     worker.read_lines([](std::string_view line) { … });   // of its stderr, until it closes it
///     const int status = worker.wait();

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ziplora::studio {

class ChildProcess {
 public:
  /// @param words   the program's path and its arguments
  /// @param folder  where it runs
  /// @throws Error(kFailed, kExhausted) if the system makes no process
  ChildProcess(const std::vector<std::string>& words, const std::filesystem::path& folder);
  /// Kills the group if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t process() const { return process_; }
  /// To every process of the group, if it still runs. Safe from any thread.
  void send(int signal_number);

  /// Reads stdout and stderr until both are closed.
  /// @param on_line  gets each line of stderr; a line that is longer than 16 MB arrives in pieces
  /// @return stdout, up to 64 MB of it
  std::string read(const std::function<void(std::string_view line)>& on_line,
                   std::optional<std::chrono::steady_clock::time_point> deadline = {});

  /// @return the exit code, or minus the number of the signal that ended it
  int wait();

 private:
  std::mutex mutex_;  ///< a number is not used once the system may give it to another process
  pid_t process_ = -1;
  int out_ = -1, err_ = -1;
};

/// Whether a process that was once a worker is still there: its number may have gone to another since.
/// @param started  as start_of() said then
bool is_still_there(pid_t process, const std::string& started);
/// When the process started, in the system's own words; empty: there is none.
std::string start_of(pid_t process);

}  // namespace ziplora::studio
