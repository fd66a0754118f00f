#include "ziplora/base/temporary_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {

std::filesystem::path new_temporary_folder(const std::string& name) {
  std::error_code missing;
  std::string pattern = std::filesystem::temp_directory_path(missing) / (name + ".XXXXXX");
  if (missing || ::mkdtemp(pattern.data()) == nullptr)
    throw Error(ErrorKind::kFailed, "make a temporary folder",
                pattern + ": " + (missing ? missing.message() : std::strerror(errno)),
                "set TMPDIR to a folder you can write to");
  return pattern;
}

TemporaryFolder::TemporaryFolder() : path_(new_temporary_folder("ziplora")) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // the system has to remove what we cannot
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ziplora
