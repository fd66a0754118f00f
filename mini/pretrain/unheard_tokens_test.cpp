#include "mini/pretrain/unheard_tokens.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kTokens = 4000, kHeard = 300, kEmbeddingWidth = 4;

/// A text encoder of 4,000 tokens; the first 300 were heard, and lie along a line far from the others.
class UnheardTokensTest : public testing::Test {
 protected:
  UnheardTokensTest() : encoder_(config()) {
    initialize(encoder_, make_generator(1));
    const at::Tensor direction = at::arange(1, kEmbeddingWidth + 1, at::kFloat);
    rows().narrow(0, 0, kHeard) = 10 + at::randn({kHeard, 1}, make_generator(2)) * direction +
                                  0.1 * at::randn({kHeard, kEmbeddingWidth}, make_generator(3));
    for (int64_t id = 0; id < kHeard; ++id) heard_.insert(id);
    before_ = rows().clone();
  }

  static ClipTextConfig config() {
    ClipTextConfig config;
    config.vocab_size = kTokens, config.hidden_size = kEmbeddingWidth, config.intermediate_size = 8;
    config.num_hidden_layers = 1, config.num_attention_heads = 1, config.max_position_embeddings = 8;
    config.bos_token_id = kTokens - 2, config.eos_token_id = config.pad_token_id = kTokens - 1;
    return config;
  }

  at::Tensor& rows() {
    at::Tensor* rows = nullptr;
    encoder_.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
      if (path == "text_model.embeddings.token_embedding.weight") rows = parameter.tensor;
    });
    return *rows;
  }
  at::Tensor unheard() { return rows().slice(0, kHeard, kTokens - 2); }

  static at::Tensor covariance(const at::Tensor& rows) {
    const at::Tensor centred = rows - rows.mean(0);
    return at::matmul(centred.t(), centred) / rows.size(0);
  }

  ClipTextModel encoder_;
  std::set<int64_t> heard_;
  at::Tensor before_;
};

TEST_F(UnheardTokensTest, GetTheMeanAndTheCovarianceOfTheHeard) {
  place_unheard_tokens(encoder_, heard_);
  const at::Tensor heard = rows().narrow(0, 0, kHeard);
  const at::Tensor spread = heard.std(0);
  // A mean of 3,698 draws: its error is a sixtieth of the spread.
  EXPECT_LT(((unheard().mean(0) - heard.mean(0)).abs() / spread).max().item<double>(), 0.08);
  const at::Tensor wanted = covariance(heard);
  EXPECT_LT((covariance(unheard()) - wanted).norm().item<double>(), 0.1 * wanted.norm().item<double>());
}

TEST_F(UnheardTokensTest, TheHeardAndTheMarksOfBeginAndEndStay) {
  place_unheard_tokens(encoder_, heard_);
  EXPECT_TRUE(at::equal(rows().narrow(0, 0, kHeard), before_.narrow(0, 0, kHeard)));
  EXPECT_TRUE(at::equal(rows().narrow(0, kTokens - 2, 2), before_.narrow(0, kTokens - 2, 2)));
  EXPECT_EQ((rows() == before_).all(1).sum().item<int64_t>(), kHeard + 2);
}

TEST_F(UnheardTokensTest, ASecondTimeChangesNothing) {
  place_unheard_tokens(encoder_, heard_);
  const at::Tensor once = rows().clone();
  place_unheard_tokens(encoder_, heard_);
  EXPECT_TRUE(at::equal(rows(), once));
}

}  // namespace
}  // namespace ziplora::mini
