#pragma once
/// The tensors of a file under a model's own names, each as the view of it that is the model's.
///
///     TensorSource source = translated_source(file, [&](const std::string& name) { return names.translate(name); });

#include <functional>
#include <string>
#include <vector>

#include "ziplora/models/sgm_names.h"
#include "ziplora/nn/load_parameters.h"

namespace ziplora {

/// @param translate  what one tensor of the file is to the model; none: it is left out
TensorSource translated_source(
    const TensorSource& file,
    const std::function<std::vector<TranslatedTensor>(const std::string& name)>& translate);

}  // namespace ziplora
