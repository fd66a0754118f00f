#pragma once
/// The rows of a batch's forward passes. Without a strategy they are the batch's images; a strategy may give an
/// image several rows, whose predictions are averaged, and each row other strengths in each step.
///
///     const PassRows rows(batch, strategy);
///     rows.wear(attached, 0, rows.size(), /*guided=*/true, step);   // before the forward pass of all of them
///     at::Tensor one_each = rows.mean_by_image(predictions);
///
/// An image that wears fewer than two adapters is drawn as without a strategy.

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "ziplora/lora/attach.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {

struct ImageRow;  // pipeline/text_to_image.h

/// [rows, K] float32; undefined if the rows have none, which means 1 everywhere.
/// @throws Error(kInternal) if the rows differ in their number
at::Tensor strengths_tensor(const std::vector<Strengths>& rows);

class PassRows {
 public:
  /// @param strategy  or nullptr, as without one
  PassRows(std::span<const ImageRow> images, const Strategy* strategy);

  size_t size() const { return rows_.size(); }
  const ImageRow& image(size_t row) const { return images_[rows_[row].image]; }
  /// The place of its image in the batch.
  int64_t image_index(size_t row) const { return static_cast<int64_t>(rows_[row].image); }
  RowStrengths text_strengths(size_t row) const;
  RowStrengths strengths(size_t row, size_t step) const;

  /// Sets the strengths of rows first…first+count−1 for a step; with guidance, unconditional rows first.
  void wear(AttachedAdapters& attached, size_t first, size_t count, bool guided, size_t step) const;
  /// Whether the strengths are the same in every step, and all rows fit into one pass of the batch.
  bool is_constant() const { return constant_; }

  /// @param predictions  [size(), …], one per row
  /// @return             [images, …]; the same tensor if each image has one row
  at::Tensor mean_by_image(const at::Tensor& predictions) const;

 private:
  struct Row {
    size_t image, prediction;
    bool steered;
  };
  std::span<const ImageRow> images_;
  const Strategy* strategy_;
  std::vector<Row> rows_;
  bool constant_ = true;
};

}  // namespace ziplora
