#include "ziplora/base/temporary_part.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "ziplora/base/file_lock.h"
#include "ziplora/base/write_failure.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".ziplora-", kSuffix = ".part";
constexpr size_t kRandomCharacters = 12;
constexpr int kMostAttempts = 100;

std::string random_name() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  unsigned char bytes[kRandomCharacters];
  if (::getentropy(bytes, sizeof bytes) != 0) throw_write_failure("no random name", "", errno);
  std::string name(kPrefix);
  for (const unsigned char byte : bytes) name += kAlphabet[byte % kAlphabet.size()];
  return name.append(kSuffix);
}

bool is_part_name(const std::string& name) {
  return name.size() == kPrefix.size() + kRandomCharacters + kSuffix.size() && name.starts_with(kPrefix) &&
         name.ends_with(kSuffix);
}

void remove_if_dead(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return;
  const bool is_folder = S_ISDIR(status.st_mode);
  if (!is_folder && !S_ISREG(status.st_mode)) return;
  // For writing, because network file systems lock only what is open for it.
  const int flags = (is_folder ? O_RDONLY | O_DIRECTORY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0) return;
  std::error_code ignored;  // what we may not remove is its owner's to remove
  if (try_lock(descriptor) == FileLock::kTaken && has_name(descriptor, path)) fs::remove_all(path, ignored);
  ::close(descriptor);
}

/// Once per process and folder: a folder may hold thousands of images, each written through a part.
bool is_first_visit(const fs::path& folder) {
  static std::mutex mutex;
  // With the path, because a new folder may get the number of one that was removed.
  static std::set<std::tuple<dev_t, ino_t, std::string>> visited;
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return false;
  const std::lock_guard lock(mutex);
  return visited.emplace(status.st_dev, status.st_ino, folder.string()).second;
}

void remove_dead_parts(const fs::path& folder) {
  if (!is_first_visit(folder)) return;
  std::error_code failure;  // a folder that cannot be listed can still be written to
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (is_part_name(entry->path().filename().string())) remove_if_dead(entry->path());
}

/// @return the descriptor, or −1 with errno
int create(const fs::path& path, bool is_folder) {
  if (!is_folder) return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (::mkdir(path.c_str(), 0777) != 0) return -1;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    const int code = errno;
    ::rmdir(path.c_str());
    errno = code;
  }
  return descriptor;
}

TemporaryPart make_part(const fs::path& folder, const fs::path& output, bool is_folder) {
  remove_dead_parts(folder);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const fs::path path = folder / random_name();
    const int descriptor = create(path, is_folder);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) break;
    if (try_lock(descriptor) != FileLock::kHeldByAnother && has_name(descriptor, path))
      return {path, descriptor};
    ::close(descriptor);  // taken for dead in the moment before it was locked
    errno = EAGAIN;
  }
  throw_write_failure(
      std::string("cannot create a ") + (is_folder ? "folder" : "file") + " in " + folder.string(), output,
      errno);
}

}  // namespace

TemporaryPart make_part_file(const fs::path& folder, const fs::path& output) {
  return make_part(folder, output, false);
}

TemporaryPart make_part_folder(const fs::path& folder, const fs::path& output) {
  return make_part(folder, output, true);
}

int make_nameless_file(const fs::path& output) {
  std::error_code missing;
  std::string pattern = fs::temp_directory_path(missing) / "ziplora.XXXXXX";
  if (missing)
    throw_write_failure("cannot use the folder for temporary files", output, missing.value(), "TMPDIR");
  const int descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) throw_write_failure("cannot create a file in " + pattern, output, errno, "TMPDIR");
  ::unlink(pattern.c_str());
  return descriptor;
}

}  // namespace ziplora
