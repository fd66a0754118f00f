#include "ziplora/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/base/mapped_input.h"
#include "ziplora/base/temporary_part.h"
#include "ziplora/base/write_failure.h"

namespace ziplora {
namespace {

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path) {
  throw_write_failure(what, path, errno);
}

constexpr size_t kMostPieceBytes = size_t{1} << 16;

struct Descriptor {
  int value;
  ~Descriptor() { ::close(value); }
};

/// @return 0, or −1 with errno
int flush(int descriptor) {
  while (::fsync(descriptor) != 0)
    if (errno != EINTR) return errno == EINVAL ? 0 : -1;  // EINVAL: there is nothing to flush to
  return 0;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path), target_(find_output_target(path)) {
  if (target_.is_stream) {
    descriptor_ = make_nameless_file(path);
    return;
  }
  TemporaryPart part = make_part_file(target_.folder(), path);
  part_path_ = std::move(part.path);
  descriptor_ = part.descriptor;
  if (target_.mode) ::fchmod(descriptor_, *target_.mode | S_IRUSR | S_IWUSR);
}

AtomicFile::~AtomicFile() {
  if (!part_path_.empty()) ::unlink(part_path_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AtomicFile::write_at(const char* bytes, size_t size_bytes, int64_t offset) {
  while (size_bytes > 0) {
    const ssize_t written = ::pwrite(descriptor_, bytes, size_bytes, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int code = written == 0 ? EIO : errno;
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
  const char* const begin = static_cast<const char*>(bytes);
  if (pieces_.size() + size_bytes > kMostPieceBytes) write_pieces();
  if (size_bytes > kMostPieceBytes)
    write_at(begin, size_bytes, end_);
  else
    pieces_.append(begin, size_bytes);
  end_ += static_cast<int64_t>(size_bytes);
}

void AtomicFile::write_pieces() {
  write_at(pieces_.data(), pieces_.size(), end_ - static_cast<int64_t>(pieces_.size()));
  pieces_.clear();
}

void AtomicFile::rewrite_start(std::string_view text) {
  if (static_cast<int64_t>(text.size()) > end_)
    throw Error(ErrorKind::kInternal, "write " + path_.string(), "more than what was written");
  write_pieces();
  write_at(text.data(), text.size(), 0);
}

void AtomicFile::send() {
  const Descriptor stream{::open(path_.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC)};
  if (stream.value < 0) fail("opening failed", path_);
  char block[1 << 16];
  for (int64_t sent = 0; sent < end_;) {
    const ssize_t got = ::pread(descriptor_, block, sizeof block, sent);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;
    if (got <= 0) fail("reading the temporary file failed", path_);
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = ::write(stream.value, block + done, static_cast<size_t>(got - done));
      if (written < 0 && errno != EINTR) fail("writing failed", path_);
      if (written > 0) done += written;
    }
    sent += got;
  }
}

void AtomicFile::commit() {
  write_pieces();
  require_unchanged_inputs();  // what was made of a file that changed meanwhile is no result
  if (target_.is_stream) return send();
  if (flush(descriptor_) != 0) fail("flushing failed", path_);
  if (target_.mode) ::fchmod(descriptor_, *target_.mode);
  // Renamed while the descriptor, and with it the lock, is still held: nobody may take the part for a dead one's.
  if (::rename(part_path_.c_str(), target_.path.c_str()) != 0) fail("renaming failed", path_);
  part_path_.clear();
  ::close(std::exchange(descriptor_, -1));  // what it could report was reported by the flush
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace ziplora
