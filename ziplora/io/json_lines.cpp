#include "ziplora/io/json_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "ziplora/base/write_failure.h"
#include "ziplora/io/json_file.h"

namespace ziplora {

void append_json_line(const std::filesystem::path& path, const nlohmann::json& record) {
  const std::string line = json_line(record) + "\n";
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) throw_write_failure("opening failed", path, errno, "--run-folder");
  const off_t size_before = ::lseek(descriptor, 0, SEEK_END);
  int code = 0;
  for (size_t done = 0; done < line.size() && code == 0;) {
    const ssize_t written = ::write(descriptor, line.data() + done, line.size() - done);
    if (written >= 0)
      done += static_cast<size_t>(written);
    else if (errno != EINTR)
      code = errno;
  }
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code == 0) return;
  std::error_code ignored;  // half a line would spoil the next one, should there be one
  std::filesystem::resize_file(path, static_cast<uintmax_t>(size_before), ignored);
  throw_write_failure("writing failed", path, code, "--run-folder");
}

}  // namespace ziplora
