#pragma once
/// Which text files beside an image hold its caption. Tools spell it in several ways: dog.txt, dog.caption
/// (kohya's default), dog.TXT, dog.png.txt.
///
///     const CaptionFiles captions("photos/");
///     std::vector<std::filesystem::path> of_dog = captions.of("photos/dog.png");

#include <filesystem>
#include <map>
#include <vector>

namespace ziplora {

/// By name: .txt or .caption in capitals or not. Such a file is never an image, whatever it starts with.
bool is_caption_file(const std::filesystem::path& path);

class CaptionFiles {
 public:
  /// @throws Error(kInput) if the folder cannot be read
  explicit CaptionFiles(const std::filesystem::path& folder);

  /// @return every caption of an image of the folder, in the order of names
  std::vector<std::filesystem::path> of(const std::filesystem::path& image) const;

 private:
  std::map<std::filesystem::path, std::vector<std::filesystem::path>> by_stem_;
};

}  // namespace ziplora
