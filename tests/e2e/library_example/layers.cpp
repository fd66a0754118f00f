// layers BASE FILE…: what each LoRA file is, compared with the layers of the base.
#include <iostream>

#include "ziplora/app/inspect.h"

int main(int argc, char** argv) {
  ziplora::NullProgress progress;
  const ziplora::InspectRequest request{.files = {argv + 2, argv + argc}, .base = argv[1]};
  for (const auto& file : ziplora::run_inspect(request, progress, {}).files)
    std::cout << file.path.string() << ": "
              << (file.error() ? file.error()->problem() : file.adapter()->architecture) << "\n";
}
