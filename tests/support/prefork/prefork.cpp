// A library to preload into a program under test: the program stops before its main(), with all its libraries
// loaded and initialised, and runs main() in a forked child for each request on a socket. LibTorch's
// initialisers cost 0.35 s of processor time a start; the tests start programs some 2,500 times.
//
// What runs is the program's own main() in a process of its own, from the arguments, folder and files of the
// request. tests/support/prefork.py is the other end.
//
//     LD_PRELOAD=build/libprefork.so ZIPLORA_PREFORK_FD=3 build/ziplora
//
// A request: uint32 size; size bytes: the folder and the arguments, each ended by NUL; with the first byte come
// three file descriptors for stdin, stdout and stderr. The answer: int32 pid, then int32 wait status and
// int64 peak memory in kB once the child has ended.
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Main = int (*)(int, char**, char**);

constexpr const char* kSocketVariable = "ZIPLORA_PREFORK_FD";
Main program_main = nullptr;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  _exit(125);
}

/// The size, with the descriptors that come along. @return false when the other end is closed
bool receive_head(int socket, uint32_t& size, std::array<int, 3>& files) {
  iovec data{&size, sizeof size};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof files)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = recvmsg(socket, &message, MSG_WAITALL);
  if (got == 0) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (got != sizeof size || header == nullptr || header->cmsg_type != SCM_RIGHTS)
    give_up("prefork: bad request");
  std::memcpy(files.data(), CMSG_DATA(header), sizeof files);
  return true;
}

std::vector<std::string> receive_words(int socket, uint32_t size) {
  std::string text(size, '\0');
  if (recv(socket, text.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size)) give_up("prefork: recv");
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size(); begin += words.back().size() + 1)
    words.emplace_back(text.data() + begin);
  return words;
}

template <class Value>
void answer(int socket, Value value) {
  if (send(socket, &value, sizeof value, MSG_NOSIGNAL) != sizeof value) _exit(0);  // nobody listens any more
}

int run_child(int socket, const std::array<int, 3>& files, std::vector<std::string> words) {
  close(socket);
  for (int i = 0; i < 3; ++i)
    if (dup2(files[i], i) < 0) give_up("prefork: dup2");
  for (const int file : files)
    if (file > 2) close(file);
  if (chdir(words[0].c_str()) != 0) give_up("prefork: chdir");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> arguments;
  for (size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].data());
  arguments.push_back(nullptr);
  return program_main(static_cast<int>(arguments.size()) - 1, arguments.data(), environ);
}

/// Stands in for main(). Returns in children only, with their exit code.
int serve(int, char**, char**) {
  const int socket = std::atoi(std::getenv(kSocketVariable));
  unsetenv(kSocketVariable);
  unsetenv("LD_PRELOAD");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  uint32_t size = 0;
  std::array<int, 3> files{};
  while (receive_head(socket, size, files)) {
    std::vector<std::string> words = receive_words(socket, size);
    const pid_t child = fork();
    if (child < 0) give_up("prefork: fork");
    if (child == 0) return run_child(socket, files, std::move(words));
    for (const int file : files) close(file);
    answer(socket, static_cast<int32_t>(child));
    int status = 0;
    rusage usage{};
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    answer(socket, static_cast<int32_t>(status));
    answer(socket, static_cast<int64_t>(usage.ru_maxrss));
  }
  _exit(0);
}

}  // namespace

/// glibc calls it with the program's main() when every library is initialised.
extern "C" int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(),
                                 void (*rtld_fini)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  program_main = main;
  return start(std::getenv(kSocketVariable) ? serve : main, argc, argv, init, fini, rtld_fini, stack_end);
}
