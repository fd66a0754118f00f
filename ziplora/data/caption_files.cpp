#include "ziplora/data/caption_files.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "ziplora/base/error.h"

namespace ziplora {

namespace fs = std::filesystem;

bool is_caption_file(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".txt" || extension == ".caption";
}

CaptionFiles::CaptionFiles(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator entries(folder.empty() ? fs::path(".") : folder, error);
  if (error)
    throw Error(ErrorKind::kInput, "list captions in " + folder.string(), error.message(),
                "check that you may read the folder");
  for (const fs::directory_entry& entry : entries)
    if (is_caption_file(entry.path()) && !entry.is_directory())
      files_.push_back(folder / entry.path().filename());
  std::sort(files_.begin(), files_.end());
}

std::vector<fs::path> CaptionFiles::of(const fs::path& image) const {
  std::vector<fs::path> found;
  for (const fs::path& file : files_)
    if (file.stem() == image.stem() || file.stem() == image.filename()) found.push_back(file);
  return found;
}

}  // namespace ziplora
