#include "ziplora/lora/fitting_write.h"

#include <fmt/format.h>

#include "ziplora/base/dtype_name.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {

at::ScalarType write_in_fitting_dtype(const std::filesystem::path& path, const Adapter& adapter,
                                      const TargetNames& names, const WriteOptions& options,
                                      ProgressSink& progress) {
  try {
    write_adapter(path, adapter, names, options);
    return options.dtype;
  } catch (const ValuesDoNotFit& problem) {
    if (options.dtype == at::kFloat) throw;
    progress.warning(
        fmt::format("{}; the file is written in {} instead", problem.problem(), dtype_name(at::kFloat)));
  }
  write_adapter(path, adapter, names, {.format = options.format, .dtype = at::kFloat});
  return at::kFloat;
}

}  // namespace ziplora
