#pragma once
/// The user's images with their captions, as training folders hold them: `dog.png` beside `dog.txt` (as kohya
/// does), or a `metadata.jsonl` with lines {"file_name": "dog.png", "text": "a dog"} (Hugging Face's
/// imagefolder). Only lists them; reads no pixels.
///
///     for (const CaptionedImage& item : list_captioned_images({"photos/"})) read_image(item.path);

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ziplora {

struct CaptionedImage {
  std::filesystem::path path;
  std::optional<std::string> caption;  ///< absent: the caller's prompt stands for it
};

/// The images of all folders and files named, each folder's in the order of names. Folders inside folders are
/// not searched.
/// @throws Error(kInput) if nothing is named, a folder holds no image, an image has two captions, or
///         metadata.jsonl is malformed (with its line) or names an image that is not there
std::vector<CaptionedImage> list_captioned_images(const std::vector<std::filesystem::path>& folders_or_files);

}  // namespace ziplora
