#include "ziplora/base/mapped_input.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// A map as the signal handler sees it: it may take no lock and no memory.
struct Guard {
  std::atomic<uintptr_t> begin{0}, end{0};  ///< 0: the place is free
  std::atomic<bool> lost_pages{false};
};

constexpr size_t kMostMaps = 8192;  // every file takes a descriptor as well, of which there are fewer
Guard guards[kMostMaps];
std::atomic<uintptr_t> page_bytes{4096};
struct sigaction former_action {};

/// Puts zeros where the file has ended, from the page that was touched to the end of the map.
void on_bus_error(int, siginfo_t* about, void*) {
  const int code = errno;
  const auto address = reinterpret_cast<uintptr_t>(about->si_addr);
  for (Guard& guard : guards) {
    const uintptr_t end = guard.end.load();
    if (address < guard.begin.load() || address >= end) continue;
    const uintptr_t page = address / page_bytes.load() * page_bytes.load();
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    if (::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ | PROT_WRITE, kFlags, -1, 0) ==
        MAP_FAILED)
      break;
    guard.lost_pages.store(true);
    errno = code;
    return;
  }
  ::sigaction(SIGBUS, &former_action, nullptr);  // not ours: the instruction runs again and meets it
}

/// The maps of this process. Never destroyed, since tensors of static lifetime may hold a map.
struct Registry {
  std::mutex mutex;
  std::vector<const MappedInput*> maps;
  std::optional<Error> found;  ///< of a map that is gone

  Registry() {
    page_bytes.store(static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &former_action);
  }
};

Registry& registry() {
  static auto* const all = new Registry;
  return *all;
}

[[noreturn]] void refuse_map(const std::filesystem::path& path, uint64_t size_bytes, int code) {
  throw Error(code == ENOMEM ? ErrorKind::kExhausted : ErrorKind::kInput, "read " + path.string(),
              "mapping " + std::to_string(size_bytes) + " bytes failed: " + std::strerror(code),
              "copy the file to a local disk, or free some memory");
}

}  // namespace

MappedInput::MappedInput(const std::filesystem::path& path, const std::string& expected)
    : file_(open_input(path, expected)) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (size_bytes() > 0) {
    const auto* place = std::find_if(std::begin(guards), std::end(guards),
                                     [](const Guard& guard) { return guard.begin.load() == 0; });
    if (place == std::end(guards)) refuse_map(path, size_bytes(), ENOMEM);
    void* address = ::mmap(nullptr, size_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                           file_.descriptor(), 0);
    if (address == MAP_FAILED) refuse_map(path, size_bytes(), errno);
    bytes_ = static_cast<unsigned char*>(address);
    guard_ = static_cast<size_t>(place - std::begin(guards));
    Guard& guard = guards[guard_];
    guard.lost_pages.store(false);
    guard.end.store(reinterpret_cast<uintptr_t>(address) + size_bytes());
    guard.begin.store(reinterpret_cast<uintptr_t>(address));
  }
  all.maps.push_back(this);
}

MappedInput::~MappedInput() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  try {
    require_unchanged();
  } catch (const Error& error) {
    if (!all.found) all.found = error;
  }
  std::erase(all.maps, this);
  if (bytes_ == nullptr) return;
  guards[guard_].begin.store(0);
  guards[guard_].end.store(0);
  ::munmap(bytes_, size_bytes());
}

void MappedInput::require_unchanged() const {
  file_.require_unchanged();
  if (bytes_ != nullptr && guards[guard_].lost_pages.load())
    throw Error(ErrorKind::kInput, "read " + file_.path().string(), "parts of the file could not be read",
                "check the disk, and run this again when nothing writes to the file any more");
}

void require_unchanged_inputs() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.found) throw *std::exchange(all.found, std::nullopt);
  for (const MappedInput* map : all.maps) map->require_unchanged();
}

}  // namespace ziplora
