#include "ziplora/pipeline/pass_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <map>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/pipeline/text_to_image.h"
#include "ziplora/strategy/worn_alone.h"

namespace ziplora {

at::Tensor strengths_tensor(const std::vector<Strengths>& rows) {
  Strengths flat;
  for (const Strengths& row : rows) {
    if (row.size() != rows.front().size())
      throw Error(ErrorKind::kInternal, "generate", "the rows differ in their number of adapter weights");
    flat.insert(flat.end(), row.begin(), row.end());
  }
  if (flat.empty()) return {};
  return at::tensor(flat, at::kDouble).to(at::kFloat).view({static_cast<int64_t>(rows.size()), -1});
}

PassRows::PassRows(std::span<const ImageRow> images, const Strategy* strategy)
    : images_(images), strategy_(strategy) {
  for (size_t i = 0; i < images.size(); ++i) {
    const Strengths& row = images[i].adapter_weights;
    const bool steered = strategy && worn_indices(row).size() > 1;
    const size_t predictions = steered ? strategy->predictions(row) : 1;
    for (size_t prediction = 0; prediction < predictions; ++prediction)
      rows_.push_back({i, prediction, steered});
    constant_ &= !steered;
  }
}

RowStrengths PassRows::text_strengths(size_t row) const {
  const Strengths& own = image(row).adapter_weights;
  return rows_[row].steered ? strategy_->text_strengths(own, rows_[row].prediction) : RowStrengths{own, own};
}

RowStrengths PassRows::strengths(size_t row, size_t step) const {
  const Strengths& own = image(row).adapter_weights;
  return rows_[row].steered ? strategy_->strengths(own, rows_[row].prediction, step) : RowStrengths{own, own};
}

void PassRows::wear(AttachedAdapters& attached, size_t first, size_t count, bool guided, size_t step) const {
  std::vector<Strengths> all;
  std::vector<bool> steered;
  for (const bool conditional : {false, true}) {
    if (!conditional && !guided) continue;
    for (size_t row = first; row < first + count; ++row) {
      const RowStrengths worn = strengths(row, step);
      all.push_back(conditional ? worn.conditional : worn.unconditional);
      steered.push_back(rows_[row].steered);
    }
  }
  attached.set_row_weights(strengths_tensor(all));
  if (constant_) return;

  std::map<std::pair<size_t, size_t>, at::Tensor> by_choice;  // as few tensors as there are choices
  for (const LayerChoice& choice : strategy_->layer_choices(step)) {
    at::Tensor& weights = by_choice[{choice.worn, choice.left_out}];
    if (!weights.defined()) {
      std::vector<Strengths> chosen = all;
      for (size_t row = 0; row < chosen.size(); ++row)
        if (steered[row] && chosen[row][choice.worn] != 0) chosen[row][choice.left_out] = 0;
      weights = strengths_tensor(chosen);
    }
    attached.set_row_weights(choice.target, weights);
  }
}

at::Tensor PassRows::mean_by_image(const at::Tensor& predictions) const {
  if (rows_.size() == images_.size()) return predictions;
  std::vector<at::Tensor> means;
  for (size_t first = 0; first < rows_.size();) {
    size_t last = first + 1;
    while (last < rows_.size() && rows_[last].image == rows_[first].image) ++last;
    means.push_back(predictions.narrow(0, static_cast<int64_t>(first), static_cast<int64_t>(last - first))
                        .mean(0, /*keepdim=*/true));
    first = last;
  }
  return at::cat(means);
}

}  // namespace ziplora
