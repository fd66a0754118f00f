#pragma once
/// Writes a finished adapter so that no work is lost over its number format. Factors are balanced first, which
/// keeps nearly all within half precision (universal_form.h). Where that does not help, as after a training with
/// a tiny learning rate, the file is float32.
///
///     file.dtype = write_in_fitting_dtype(path, adapter, names, options, progress);

#include <c10/core/ScalarType.h>

#include <filesystem>

#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_file.h"

namespace ziplora {

/// @param progress  is warned if the file is float32 though another dtype was asked for
/// @return the dtype of the written factors
/// @throws as write_adapter, but Error(kNonFinite) only for NaN and infinity
at::ScalarType write_in_fitting_dtype(const std::filesystem::path& path, const Adapter& adapter,
                                      const TargetNames& names, const WriteOptions& options,
                                      ProgressSink& progress);

}  // namespace ziplora
