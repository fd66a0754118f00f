#pragma once
/// Draws the images of a comparison, each once, as files that `generate --like` makes again.
///
///     PairArtist artist(request, folder, base, progress, cancel);
///     Costume costume{.adapters = {{.file = "merged.safetensors"}}};
///     if (!artist.has(costume, row)) artist.draw(costume, {row});
///     artist.file(costume, row);

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/evaluate.h"
#include "ziplora/app/evidence_folder.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/shared_base.h"
#include "ziplora/lora/adapter_choice.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {

/// What the base wears while an image is drawn.
struct Costume {
  std::vector<AdapterChoice> adapters = {};
  /// Of the file, if it is a merge of the comparison: it saves hashing it.
  EvidenceKey merge = {};
  double style_strength = 1;
  std::string strategy = "merged";
  nlohmann::json strategy_options = nlohmann::json::object();
};

struct PromptAndSeed {
  std::string prompt;
  uint64_t seed;
};

class PairArtist {
 public:
  /// All outlive the artist.
  PairArtist(const EvaluateRequest& request, const EvidenceFolder& folder, SharedBase& base,
             ProgressSink& progress, const CancelToken& cancel);

  std::filesystem::path file(const Costume& costume, const PromptAndSeed& image);
  bool has(const Costume& costume, const PromptAndSeed& image);
  struct Drawn {
    size_t images = 0;
    double seconds = 0;  ///< of denoising and decoding, without loading
  };
  /// Draws those that are not there.
  Drawn draw(const Costume& costume, std::vector<PromptAndSeed> images);

 private:
  GenerateRequest generate_request(const Costume& costume, const PromptAndSeed& image);

  const EvaluateRequest& request_;
  const EvidenceFolder& folder_;
  SharedBase& base_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
};

}  // namespace ziplora
