#include "ziplora/data/caption_files.h"

#include <algorithm>
#include <cctype>
#include <set>
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
      by_stem_[entry.path().stem()].push_back(folder / entry.path().filename());
}

std::vector<fs::path> CaptionFiles::of(const fs::path& image) const {
  std::vector<fs::path> found;
  for (const fs::path& stem : std::set{image.stem(), image.filename()})  // one, if it has no extension
    if (const auto files = by_stem_.find(stem); files != by_stem_.end())
      found.insert(found.end(), files->second.begin(), files->second.end());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace ziplora
