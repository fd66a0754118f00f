#pragma once
/// Worker threads that have nothing to do sleep. OpenMP's spin instead, for milliseconds each time: on a machine
/// that does other work too they burn the time that the thread they wait for needs, and merging takes about ten
/// times as long.
///
/// libgomp, which LibTorch brings, reads how long to spin from the environment when it is loaded, before main(). So
/// the program sets it and starts itself anew, before any library has initialised itself. Whatever the environment
/// said of it is overridden.

namespace ziplora::cli {

/// How often a thread looks for work before it sleeps.
inline constexpr const char* kSpinSetting = "GOMP_SPINCOUNT=1000";

/// Whether the setting is in effect. Programs call it in main(), which also links it in.
bool threads_sleep_while_they_wait();

}  // namespace ziplora::cli
