#pragma once
/// Features of prompts in CLIP's common space, for CLIP-T: how well an image shows what its prompt says.
///
///     TextEncoder texts("clip-vit-base-patch32");   // a CLIPModel's folder, with its tokenizer
///     at::Tensor scores = images.embed(drawn).matmul(texts.embed({"a sks dog, in szn style"}).t());

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ziplora {

class TextEncoder {
 public:
  /// @param folder  config.json of a CLIPModel, model.safetensors, and a tokenizer
  /// @throws Error(kIncompatible) for a folder of another kind; Error(kInput) for what is missing or malformed
  explicit TextEncoder(const std::filesystem::path& folder);
  ~TextEncoder();
  TextEncoder(TextEncoder&&) noexcept;

  /// @param prompts  what does not fit into the model's 77 tokens is cut off, as transformers' processor does
  /// @return         [B, D] float32, rows of length 1; without gradients
  at::Tensor embed(const std::vector<std::string>& prompts) const;

  /// e^logit_scale, 100 for published models: cosines times it are CLIP's logits. Scores are plain cosines.
  double logit_factor() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
