#pragma once
/// The exit codes as every help lists them. The value of an ErrorKind is its exit code, so they are written
/// down only there and here.

namespace ziplora::cli {

inline constexpr const char* kExitStatus =
    "EXIT STATUS\n"
    "  0 done                          5 memory or disk exhausted\n"
    "  1 failed                        6 numbers became non-finite, or training diverged\n"
    "  2 usage or configuration        7 a check that was asked for is below its threshold\n"
    "  3 input missing or malformed    70 internal error\n"
    "  4 inputs do not fit together    130 interrupted";

}  // namespace ziplora::cli
