#pragma once
/// Keeps a command from writing over what it reads. Checked before the work starts.
///
///     refuse_output_among("merge: -o cat.safetensors", request.output, {"cat.safetensors", "ink/"});

#include <filesystem>
#include <string>
#include <vector>

namespace ziplora {

/// Links resolved; the files need not exist.
bool is_same_place(const std::filesystem::path& a, const std::filesystem::path& b);

/// Links resolved. False if `folder` is none.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder);

/// A folder counts with everything in it: a file written into it would replace a part of it. An input that
/// cannot be looked at is let through; reading it says what is wrong.
/// @param where  verb and flag, for the message
/// @throws Error(kUsage) if the output is one of the inputs or lies in one
void refuse_output_among(const std::string& where, const std::filesystem::path& output,
                         const std::vector<std::filesystem::path>& inputs);

}  // namespace ziplora
