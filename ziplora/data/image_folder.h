#pragma once
/// The user's images with their captions, as training folders hold them: `dog.png` beside `dog.txt` (or another
/// spelling of caption_files.h), or a `metadata.jsonl` with lines {"file_name": "dog.png", "text": "a dog"}
/// (Hugging Face's imagefolder). Only lists them; reads no pixels. Nothing is left out without being named.
///
///     for (const CaptionedImage& item : list_captioned_images({"photos/"})) read_image(item.path);
///
/// A folder of folders such as `10_dog/` and `1_style/` is kohya's: the number says how often each image counts.
/// Only the ratio matters here, where the length of a training is given in iterations, so 10 and 5 are 2 and 1.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ziplora {

struct CaptionedImage {
  std::filesystem::path path;
  std::optional<std::string> caption;  ///< UTF-8; absent: the caller's prompt stands for it
};

struct UnusedFile {
  std::filesystem::path path;
  std::string reason;  ///< "no image has this name"
};

struct ListedImages {
  std::vector<CaptionedImage> items;  ///< an image that counts n times is there n times
  std::vector<UnusedFile> unused;     ///< what lies in the folders beside them; not hidden files
};

/// The images of all folders and files named, each folder's in the order of names. Folders inside folders are
/// not searched, but for kohya's in a folder that holds no image itself.
/// @throws Error(kInput) if nothing is named, a folder holds no image, an image has two captions, a caption is
///         no UTF-8, or metadata.jsonl is malformed (with its line) or names an image that is not there
ListedImages list_training_images(const std::vector<std::filesystem::path>& folders_or_files);

/// Its items alone.
std::vector<CaptionedImage> list_captioned_images(const std::vector<std::filesystem::path>& folders_or_files);

}  // namespace ziplora
