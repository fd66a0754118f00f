#pragma once
/// Lets go of the memory behind one tensor that SafetensorsFile::tensor() gave, when the file itself is no
/// longer at hand: a merge reads each factor once, and two mapped inputs would weigh as much as its output.
///
///     release_mapped_pages(layer.down);

#include <ATen/core/Tensor.h>

namespace ziplora {

/// The pages leave this process's memory and are read again from the file if the tensor is used again. What
/// was written into the view is lost. Does nothing for a tensor that is no view of a mapped file.
void release_mapped_pages(const at::Tensor& tensor);

}  // namespace ziplora
