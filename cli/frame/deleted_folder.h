#pragma once
/// Lets the program start in a folder that has been deleted. MKL, which comes with LibTorch, asks for the current
/// folder while it is loaded, and ends the process if there is none. So the process is elsewhere until the libraries
/// are there, and back before anything of ours runs.

namespace ziplora::cli {

/// Called before any library is initialised, by the process that stays: one that starts itself anew afterwards would
/// begin elsewhere. A constructor leads back.
void leave_deleted_folder();

}  // namespace ziplora::cli
