// probe_tokenizer: arguments folder and texts; gives each text's ids with and without padding, and what was
// cut off.
#include "tests/parity/probe/probes.h"
#include "ziplora/models/clip_tokenizer.h"

namespace ziplora::probe {

Response run_tokenizer(const Request& request) {
  const ClipTokenizer tokenizer(request.arguments.at("folder").get<std::string>());
  Response response;
  for (const nlohmann::json& text : request.arguments.at("texts")) {
    const TokenizedPrompt prompt = tokenizer.encode(text);
    response.values["ids"].push_back(tokenizer.tokenize(text));
    response.values["padded"].push_back(prompt.ids);
    response.values["truncated_text"].push_back(prompt.truncated_text);
  }
  return response;
}

}  // namespace ziplora::probe
