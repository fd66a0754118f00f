#pragma once
/// The help of a flag that every verb has which uses LoRA files.
///
///     app.add_flag("--ignore-unused", request.ignore_unused, kIgnoreUnusedHelp);

namespace ziplora::cli {

inline constexpr const char* kIgnoreUnusedHelp =
    "Leave out what a LoRA file holds beyond SDXL's layers (embeddings, unknown names), and name it; without "
    "this flag such a file is refused";

}  // namespace ziplora::cli
