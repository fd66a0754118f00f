#include "ziplora/io/json_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <tuple>

#include "ziplora/base/write_failure.h"
#include "ziplora/io/json_file.h"

namespace ziplora {

void append_json_line(const std::filesystem::path& path, const nlohmann::json& record,
                      const std::string& place) {
  const std::string line = json_line(record) + "\n";
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw_write_failure("opening failed", path, errno, place);
  const off_t size_before = ::lseek(descriptor, 0, SEEK_END);
  int code = 0;
  for (size_t done = 0; done < line.size() && code == 0;) {
    const ssize_t written = ::write(descriptor, line.data() + done, line.size() - done);
    if (written >= 0)
      done += static_cast<size_t>(written);
    else if (errno != EINTR)
      code = errno;
  }
  // Half a line would spoil a line after it. Pipes and devices have no size, and keep it.
  if (code != 0 && size_before >= 0) std::ignore = ::ftruncate(descriptor, size_before);
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code == 0) return;
  throw_write_failure("writing failed", path, code, place);
}

}  // namespace ziplora
