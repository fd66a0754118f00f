#pragma once
/// Releases the memory behind a tensor from SafetensorsFile::tensor() where the file itself is no longer at
/// hand. A merge reads each factor once, and two mapped inputs would take as much memory as its output.
///
///     release_mapped_pages(layer.down);

#include <ATen/core/Tensor.h>

namespace ziplora {

/// The pages leave this process's memory, and are read from the file again if the tensor is used again. What
/// was written into the view is lost. Does nothing for a tensor that is not a view of a mapped file.
void release_mapped_pages(const at::Tensor& tensor);

}  // namespace ziplora
