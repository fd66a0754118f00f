#include "ziplora/models/translated_source.h"

#include <map>
#include <memory>

namespace ziplora {

TensorSource translated_source(
    const TensorSource& file,
    const std::function<std::vector<TranslatedTensor>(const std::string& name)>& translate) {
  struct Origin {
    std::string name;
    TranslatedTensor translated;
  };
  auto origins = std::make_shared<std::map<std::string, Origin>>();
  for (const std::string& name : file.names)
    for (TranslatedTensor& one : translate(name)) {
      const std::string model_name = one.name;
      origins->insert_or_assign(model_name, Origin{name, std::move(one)});
    }
  TensorSource source{.description = file.description, .names = {}, .tensor = {}};
  for (const auto& [name, origin] : *origins) source.names.push_back(name);
  source.tensor = [tensor = file.tensor, origins](const std::string& name) {
    const Origin& origin = origins->at(name);
    return origin.translated.apply(tensor(origin.name));
  };
  if (file.release)
    source.release = [release = file.release, origins](const std::string& name) {
      release(origins->at(name).name);
    };
  return source;
}

}  // namespace ziplora
