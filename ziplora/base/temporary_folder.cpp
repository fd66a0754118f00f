#include "ziplora/base/temporary_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "ziplora.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    throw Error(ErrorKind::kFailed, "make a temporary folder", pattern + ": " + std::strerror(errno),
                "set TMPDIR to a folder you can write to");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // the system has to remove what we cannot
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ziplora
