#include "ziplora/train/dreambooth_lora.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

UNet2DConditionConfig tiny_config() {
  UNet2DConditionConfig config;
  config.sample_size = 8;
  config.down_block_types = {"DownBlock2D", "CrossAttnDownBlock2D"};
  config.up_block_types = {"CrossAttnUpBlock2D", "UpBlock2D"};
  config.block_out_channels = {8, 16};
  config.layers_per_block = {1, 1};
  config.transformer_layers_per_block = {1, 1};
  config.num_attention_heads = {1, 2};
  config.cross_attention_dim = 12;
  config.norm_num_groups = 4;
  config.addition_time_embed_dim = 4;
  config.projection_class_embeddings_input_dim = 6 * 4 + 8;
  return config;
}

TrainingBatch make_batch(int64_t first_example, int64_t rows) {
  TrainingBatch batch;
  std::vector<at::Tensor> latents, noise, prompts, pooled;
  std::vector<int64_t> timesteps;
  for (int64_t k = first_example; k < first_example + rows; ++k) {
    at::Generator generator = make_generator(static_cast<uint64_t>(k));
    latents.push_back(at::randn({4, 8, 8}, generator));
    noise.push_back(at::randn({4, 8, 8}, generator));
    prompts.push_back(at::randn({5, 12}, generator));
    pooled.push_back(at::randn({8}, generator));
    timesteps.push_back((k * 379) % 1000);
  }
  return {at::stack(latents),
          at::stack(noise),
          at::tensor(timesteps, at::kLong),
          at::stack(prompts),
          at::stack(pooled),
          at::full({rows, 6}, 64.0),
          rows};
}

BatchSource batches_of(int64_t rows) {
  return [rows](int64_t n) { return make_batch(n * rows, rows); };
}

/// Cancels after a number of steps, as Ctrl-C would.
class CancelAfter : public NullProgress {
 public:
  CancelAfter(CancelToken& token, int64_t steps) : token_(token), steps_(steps) {}
  void step_finished(const std::string&, int64_t step, int64_t, const Metrics&) override {
    if (step == steps_) token_.cancel();
  }

 private:
  CancelToken& token_;
  int64_t steps_;
};

class DreamBoothRunTest : public ::testing::Test {
 protected:
  DreamBoothRunTest() {
    initialize(unet_, make_generator(1));
    options_.adapter.rank = 4;
    options_.adapter.lora_alpha = 6;  // a scale that is no power of two
    options_.adam.lr = 1e-2;
    options_.lr_schedule = "cosine";
    options_.iterations = 6;
    options_.seed = 3;
  }

  NamedTensors train(const BatchSource& batches) {
    DreamBoothRun run(unet_, schedule_, options_);
    run.train(batches, {}, progress_, token_);
    return clone(run.adapter().factors());
  }

  static NamedTensors clone(const NamedTensors& tensors) {
    NamedTensors copies;
    for (const auto& [name, tensor] : tensors) copies[name] = tensor.clone();
    return copies;
  }

  static double largest_difference(const NamedTensors& a, const NamedTensors& b) {
    double largest = 0;
    for (const auto& [name, tensor] : a)
      largest = std::max(largest, (tensor - b.at(name)).abs().max().item<double>());
    return largest;
  }

  UNet2DConditionModel unet_{tiny_config()};
  NoiseSchedule schedule_{NoiseScheduleConfig()};
  DreamBoothOptions options_;
  NullProgress progress_;
  CancelToken token_;
};

TEST_F(DreamBoothRunTest, StartsAtTheBaseAndLeavesTheSlotsEmpty) {
  options_.iterations = 0;
  for (const auto& [name, factor] : train(batches_of(2))) {
    const bool is_up = name.ends_with(".up");
    EXPECT_EQ(factor.abs().max().item<double>() == 0, is_up) << name;
  }
  unet_.for_each_module([](const std::string& path, Module& module) {
    const auto* linear = dynamic_cast<Linear*>(&module);
    EXPECT_TRUE(!linear || linear->adapter.empty()) << path;
  });
}

TEST_F(DreamBoothRunTest, TargetsAreThoseOfTheName) {
  options_.iterations = 0;
  const auto layers_with = [&](const std::string& targets) {
    options_.adapter.targets = targets;
    return train(batches_of(2)).size() / 2;  // down and up
  };
  // one attention in the way down, one in the middle, two in the way up: 4 transformers of one block each
  EXPECT_EQ(layers_with("attention"), 4u * 8u);
  EXPECT_EQ(layers_with("linear"), 4u * (8u + 2u + 2u));
  EXPECT_EQ(layers_with("cross-attention"), 4u * 4u);
  for (const auto& [name, factor] : train(batches_of(2)))
    EXPECT_NE(name.find(".attn2."), std::string::npos) << name;
  EXPECT_THROW(layers_with("cross_atention"), Error);
}

TEST_F(DreamBoothRunTest, CancelledAndResumedEqualsUninterruptedBitForBit) {
  const NamedTensors uninterrupted = train(batches_of(2));

  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "ziplora-resume-test.safetensors";
  {
    DreamBoothRun run(unet_, schedule_, options_);
    CancelToken token;
    CancelAfter progress(token, 3);
    DreamBoothHooks hooks;
    hooks.save_checkpoint = [&](const TrainingCheckpoint& state) { write_checkpoint(path, state); };
    try {
      run.train(batches_of(2), hooks, progress, token);
      FAIL() << "was not interrupted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    }
  }
  const TrainingCheckpoint checkpoint = read_checkpoint(path);
  EXPECT_EQ(checkpoint.iteration, 3);
  options_.seed = 99;  // other initial factors, which the checkpoint must replace
  DreamBoothRun resumed(unet_, schedule_, options_);
  resumed.restore(checkpoint, path.string());
  resumed.train(batches_of(2), {}, progress_, token_);
  std::filesystem::remove(path);

  EXPECT_EQ(resumed.losses().size(), 3u);
  EXPECT_EQ(largest_difference(resumed.adapter().factors(), uninterrupted), 0.0);
}

TEST_F(DreamBoothRunTest, AccumulatedBatchesEqualOneLargeBatch) {
  const NamedTensors large = train(batches_of(4));
  options_.gradient_accumulation = 2;
  const NamedTensors accumulated = train(batches_of(2));
  options_.gradient_accumulation = 1;
  const NamedTensors small = train(batches_of(2));
  EXPECT_LT(largest_difference(accumulated, large),
            1e-3);  // Adam divides by √v: rounding shows in the first steps
  EXPECT_GT(largest_difference(small, large), 1e-2);
}

TEST_F(DreamBoothRunTest, GradientCheckpointingChangesNothing) {
  const NamedTensors plain = train(batches_of(2));
  options_.gradient_checkpointing = true;
  EXPECT_LT(largest_difference(train(batches_of(2)), plain), 1e-3);
}

TEST_F(DreamBoothRunTest, StopsAtNaNWithoutOverwritingTheLastGoodCheckpoint) {
  options_.checkpoint_every = 2;
  std::vector<int64_t> saved;
  DreamBoothHooks hooks;
  hooks.save_checkpoint = [&](const TrainingCheckpoint& state) { saved.push_back(state.iteration); };
  const BatchSource broken = [](int64_t n) {
    TrainingBatch batch = make_batch(n * 2, 2);
    if (n == 2) batch.latents = at::full_like(batch.latents, std::numeric_limits<double>::quiet_NaN());
    return batch;
  };
  DreamBoothRun run(unet_, schedule_, options_);
  try {
    run.train(broken, hooks, progress_, token_);
    FAIL() << "accepted NaN";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
  EXPECT_EQ(saved, std::vector<int64_t>{2});
}

TEST_F(DreamBoothRunTest, RefusesACheckpointOfAnotherRank) {
  DreamBoothRun rank_4(unet_, schedule_, options_);
  const TrainingCheckpoint checkpoint{0, clone(rank_4.adapter().factors()), {}, {}};
  options_.adapter.rank = 8;
  DreamBoothRun rank_8(unet_, schedule_, options_);
  try {
    rank_8.restore(checkpoint, "other.safetensors");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
    EXPECT_NE(error.problem().find("[4, "), std::string::npos);
    EXPECT_NE(error.problem().find("[8, "), std::string::npos);
  }
}

}  // namespace
}  // namespace ziplora
