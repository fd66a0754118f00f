#pragma once
/// Draws image files in the terminal, below what was printed.

#include <filesystem>
#include <vector>

namespace ziplora::cli {

/// Draws nothing where stdout is no terminal; says so where it is one that takes no images. Large images are made
/// smaller to fit the window, small ones larger by a whole factor.
/// @throws Error as read_image, Error(kExhausted) if stdout cannot be written
void show_images(const std::vector<std::filesystem::path>& files);

}  // namespace ziplora::cli
