#include "ziplora/io/size_on_disk.h"

namespace ziplora {

namespace fs = std::filesystem;

uintmax_t size_on_disk(const fs::path& file_or_folder) {
  const fs::file_status status = fs::status(file_or_folder);
  if (fs::is_other(status)) return 0;
  if (!fs::is_directory(status)) return fs::file_size(file_or_folder);
  uintmax_t size_bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(file_or_folder))
    if (entry.is_regular_file()) size_bytes += entry.file_size();
  return size_bytes;
}

}  // namespace ziplora
