#include "ziplora/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ziplora/base/error.h"
#include "ziplora/base/mapped_input.h"
#include "ziplora/base/write_failure.h"

namespace ziplora {
namespace {

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path) {
  throw_write_failure(what, path, errno);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code unseen;
  if (!path.has_filename() || std::filesystem::is_directory(path, unseen))
    throw Error(ErrorKind::kUsage, "write " + path.string(), "this is a folder, a file name is expected",
                "name a file in it: " + (path / "NAME").string());
  if (!std::filesystem::is_directory(folder, unseen)) {
    if (unseen && unseen != std::errc::no_such_file_or_directory) {
      errno = unseen.value();
      fail("cannot look into " + folder.string(), path);
    }
    throw Error(ErrorKind::kFailed, "write " + path.string(),
                "the folder " + folder.string() + " does not exist", "mkdir -p " + folder.string());
  }
  std::string pattern = path.string() + ".XXXXXX.part";
  descriptor_ = ::mkstemps(pattern.data(), 5);
  part_path_ = pattern;
  if (descriptor_ < 0) fail("cannot create a file in " + folder.string(), path);
  ::fchmod(descriptor_, 0644);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(part_path_.c_str());
}

void AtomicFile::write_at(const char* bytes, size_t size_bytes, int64_t offset) {
  while (size_bytes > 0) {
    const ssize_t written = ::pwrite(descriptor_, bytes, size_bytes, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int code = errno;
      if (code == EFAULT) require_unchanged_inputs();  // from a mapped file that was cut short
      errno = code;
      fail("writing failed", path_);
    }
    bytes += written;
    offset += written;
    size_bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::write(const void* bytes, size_t size_bytes) {
  write_at(static_cast<const char*>(bytes), size_bytes, end_);
  end_ += static_cast<int64_t>(size_bytes);
}

void AtomicFile::rewrite_start(std::string_view text) {
  if (static_cast<int64_t>(text.size()) > end_)
    throw Error(ErrorKind::kInternal, "write " + path_.string(), "more than what was written");
  write_at(text.data(), text.size(), 0);
}

void AtomicFile::commit() {
  require_unchanged_inputs();  // what was made of a file that changed meanwhile is no result
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("flushing failed", path_);
  if (::close(descriptor_) != 0) {
    descriptor_ = -1;
    ::unlink(part_path_.c_str());
    fail("closing failed", path_);
  }
  descriptor_ = -1;
  if (::rename(part_path_.c_str(), path_.c_str()) != 0) {
    ::unlink(part_path_.c_str());
    fail("renaming failed", path_);
  }
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace ziplora
