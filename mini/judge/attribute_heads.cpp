#include "mini/judge/attribute_heads.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "ziplora/nn/linear.h"

namespace ziplora::mini {
namespace {

/// Unit vectors are lengthened by this before the classifiers: a cosine alone cannot make a softmax sharp.
constexpr double kEmbeddingLength = 12.0;

}  // namespace

struct AttributeHeads::Parts {
  std::map<std::string, std::unique_ptr<Linear>> by_attribute;
};

AttributeLabels attribute_labels(const Catalogue& catalogue, const std::vector<SceneContent>& contents) {
  const std::vector<std::string> categories = catalogue.categories();
  std::map<std::string, std::vector<int64_t>> labels;
  for (const SceneContent& content : contents) {
    const std::string& category = catalogue.subjects[content.subject].category;
    labels["subject"].push_back(content.subject);
    labels["second_subject"].push_back(content.second_subject + 1);  // class 0: none
    labels["style"].push_back(content.style);
    const bool shows_background = catalogue.styles[content.style].keeps_background && content.palette < 0;
    labels["background"].push_back(shows_background ? content.background : kNoLabel);
    labels["category"].push_back(std::find(categories.begin(), categories.end(), category) -
                                 categories.begin());
  }
  AttributeLabels result;
  for (const auto& [attribute, indices] : labels) result[attribute] = at::tensor(indices, at::kLong);
  return result;
}

AttributeHeads::AttributeHeads(const Catalogue& catalogue, int64_t projection_dim)
    : parts_(std::make_unique<Parts>()) {
  const std::map<std::string, size_t> classes = {{"subject", catalogue.subjects.size()},
                                                 {"second_subject", catalogue.subjects.size() + 1},
                                                 {"style", catalogue.styles.size()},
                                                 {"background", catalogue.backgrounds.size()},
                                                 {"category", catalogue.categories().size()}};
  for (const auto& [attribute, count] : classes) {
    auto& head = parts_->by_attribute[attribute];
    head = std::make_unique<Linear>(projection_dim, static_cast<int64_t>(count));
    register_module(attribute, *head);
  }
}

AttributeHeads::~AttributeHeads() = default;

std::map<std::string, at::Tensor> AttributeHeads::logits(const at::Tensor& embeds) const {
  const at::Tensor x = embeds * (kEmbeddingLength / embeds.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-6));
  std::map<std::string, at::Tensor> result;
  for (const auto& [attribute, head] : parts_->by_attribute)
    result[attribute] = head->forward(x).to(at::kFloat);
  return result;
}

at::Tensor AttributeHeads::loss(const at::Tensor& embeds, const AttributeLabels& labels) const {
  at::Tensor sum;
  for (const auto& [attribute, x] : logits(embeds)) {
    const at::Tensor term =
        at::cross_entropy_loss(x, labels.at(attribute), {}, at::Reduction::Sum, kNoLabel) /
        static_cast<double>(x.size(0));
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(parts_->by_attribute.size());
}

std::map<std::string, double> attribute_accuracy(const std::map<std::string, at::Tensor>& logits,
                                                 const AttributeLabels& labels) {
  std::map<std::string, double> result;
  for (const auto& [attribute, x] : logits) {
    const at::Tensor& label = labels.at(attribute);
    const double labelled = label.ne(kNoLabel).sum().item<double>();
    result[attribute] = x.argmax(1).eq(label).sum().item<double>() / std::max(labelled, 1.0);
  }
  return result;
}

}  // namespace ziplora::mini
