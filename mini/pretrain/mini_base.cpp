#include "mini/pretrain/mini_base.h"

#include <fmt/format.h>

#include <memory>

#include "mini/judge/image_judge.h"
#include "mini/pretrain/autoencoder_training.h"
#include "mini/pretrain/contrastive_training.h"
#include "mini/pretrain/judge_training.h"
#include "mini/pretrain/mini_config.h"
#include "mini/pretrain/sample_sheet.h"
#include "mini/pretrain/unet_training.h"
#include "mini/pretrain/unet_validation.h"
#include "mini/pretrain/unheard_tokens.h"
#include "mini/pretrain/vocabulary.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_lines.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {
namespace {

constexpr const char* kModelWeights = "model.safetensors";                        // transformers' name
constexpr const char* kDiffusionWeights = "diffusion_pytorch_model.safetensors";  // diffusers' name

nlohmann::json with_class(nlohmann::json config, const char* name) {
  config["_class_name"] = name;
  return config;
}

/// Beside the base, as export_base writes them.
std::filesystem::path judges_of(const std::filesystem::path& base) {
  const std::filesystem::path folder = std::filesystem::absolute(base).lexically_normal();
  const std::filesystem::path above = folder.parent_path();
  return (folder.has_filename() ? above : above.parent_path()) / "judges";  // "assets/mini/" has none
}
constexpr const char* kJudge = "clip";

class BasePretraining {
 public:
  BasePretraining(const PretrainOptions& options, const World& world, ProgressSink& progress,
                  const CancelToken& cancel)
      : options_(options),
        world_(world),
        progress_(progress),
        cancel_(cancel),
        folder_(options.run_folder / "base") {}

  void run() {
    if (!options_.from.empty() && !std::filesystem::exists(folder_ / "model_index.json")) {
      constexpr auto again =
          std::filesystem::copy_options::recursive |
          std::filesystem::copy_options::overwrite_existing;  // what an interrupted copy left
      std::filesystem::create_directories(options_.run_folder);
      if (const auto judge = judges_of(options_.from) / kJudge; std::filesystem::exists(judge))
        std::filesystem::copy(judge, options_.run_folder / "judge", again);
      std::filesystem::copy(options_.from, folder_, again);
    }
    write_pipeline_files(folder_);
    learn_vocabulary();
    learn_autoencoder();
    learn_text_encoders();
    give_unheard_tokens_a_place();
    learn_judge();
    learn_unet();
  }

 private:
  TrainingPlan plan(const std::string& name, int64_t iterations) const {
    TrainingPlan plan;
    plan.name = name;
    plan.run_folder = options_.run_folder;
    plan.iterations = iterations;
    plan.checkpoint_every = options_.checkpoint_every;
    plan.sample_every = options_.sample_every;
    plan.working_dtype = working_dtype();
    return plan;
  }

  at::ScalarType working_dtype() const { return options_.bfloat16 ? at::kBFloat16 : at::kFloat; }

  uint64_t seed(const char* purpose) const { return derive_seed(options_.seed, purpose); }

  void learn_vocabulary() {
    for (uint64_t i = 0; i < 40000; ++i) captions_.push_back(world_.describe(i, Split::kTrain).caption);
    vocabulary_ = train_vocabulary(captions_, /*max_merges=*/6000);
    if (std::filesystem::exists(folder_ / "tokenizer_2" / "vocab.json")) return;
    vocabulary_.write(folder_ / "tokenizer", kMaxTokens);
    vocabulary_.write(folder_ / "tokenizer_2", kMaxTokens);
    progress_.note("vocabulary: " + std::to_string(vocabulary_.size()) + " tokens");
  }

  void learn_autoencoder() {
    if (std::filesystem::exists(folder_ / "vae" / kDiffusionWeights)) return;
    AutoencoderKLConfig config = autoencoder_config();
    AutoencoderKL vae(config);
    initialize(vae, make_generator(seed("autoencoder weights")));
    AutoencoderTrainingOptions training;
    training.plan = plan("autoencoder", options_.autoencoder_iterations);
    training.plan.lr = 1.5e-3;
    training.seed = seed("autoencoder");
    train_autoencoder(vae, world_, training, progress_, cancel_);
    config.scaling_factor = measure_scaling_factor(vae, world_, training.seed);
    save_component(folder_ / "vae", kDiffusionWeights, vae, with_class(config.to_json(), "AutoencoderKL"),
                   at::kFloat);
  }

  void learn_text_encoders() {
    if (std::filesystem::exists(folder_ / "text_encoder_2" / kModelWeights)) return;
    ClipTextModel text_encoder(text_encoder_config(vocabulary_));
    ClipTextModel text_encoder_2(text_encoder_2_config(vocabulary_));
    ClipVisionModel vision(vision_config());
    AttributeHeads attributes(world_.catalogue(), vision.config.projection_dim);
    initialize(text_encoder, make_generator(seed("text encoder weights")));
    initialize(text_encoder_2, make_generator(seed("text encoder 2 weights")));
    initialize(vision, make_generator(seed("vision weights")));
    initialize(attributes, make_generator(seed("attribute weights")));
    const ClipTokenizer tokenizer(folder_ / "tokenizer");
    ContrastiveTrainingOptions training;
    training.plan = plan("text encoders", options_.contrastive_iterations);
    training.plan.lr = 1e-3;
    training.plan.weight_decay = 0.05;
    training.batch_size = options_.batch_size.value_or(training.batch_size);
    training.seed = seed("contrastive");
    train_contrastive(text_encoder, text_encoder_2, vision, attributes, tokenizer, world_, training,
                      progress_, cancel_);
    progress_.note("nearest caption of 200, unseen scenes: " +
                   std::to_string(nearest_caption_accuracy(text_encoder_2, vision, tokenizer, world_, 200)));
    save_judge(vision, attributes);
    save_component(folder_ / "text_encoder", kModelWeights, text_encoder, text_encoder.config.to_json(),
                   at::kFloat);
    save_component(folder_ / "text_encoder_2", kModelWeights, text_encoder_2, text_encoder_2.config.to_json(),
                   at::kFloat);
  }

  /// Before the UNet meets them in its captions; also for a base that the run began with.
  void give_unheard_tokens_a_place() {
    const std::filesystem::path done = options_.run_folder / "unheard_tokens.done";
    if (std::filesystem::exists(done)) return;
    const std::set<int64_t> heard = heard_tokens(ClipTokenizer(folder_ / "tokenizer"), captions_);
    for (const bool with_projection : {false, true}) {
      const std::filesystem::path folder = folder_ / (with_projection ? "text_encoder_2" : "text_encoder");
      const auto encoder = load_text_encoder(folder, with_projection);
      place_unheard_tokens(*encoder, heard);
      save_component(folder, kModelWeights, *encoder, encoder->config.to_json(), at::kFloat);
    }
    progress_.note(fmt::format("tokens that captions are spelled with: {}", heard.size()));
    write_text_file(done, "\n");
  }

  static std::unique_ptr<ClipTextModel> load_text_encoder(const std::filesystem::path& folder,
                                                          bool with_projection) {
    auto encoder = std::make_unique<ClipTextModel>(
        ClipTextConfig::from_json(read_json_object(folder / "config.json"), with_projection));
    load_parameters(*encoder, open_component_weights(folder, "model", at::kFloat), at::kCPU, at::kFloat);
    return encoder;
  }

  void learn_judge() {
    const std::filesystem::path folder = judge_folder(), done = options_.run_folder / "judge.done";
    if (options_.judge_iterations == 0 || std::filesystem::exists(done)) return;
    if (!std::filesystem::exists(folder / "config.json"))
      throw Error(ErrorKind::kInput, "pretrain judge", "there is no judge in " + folder.string(),
                  "go on without one (--judge-iterations 0), or copy a judge there to train it");
    const ClipVisionConfig config = ClipVisionConfig::from_json(read_json_object(folder / "config.json"));
    const auto text_encoder = load_text_encoder(folder_ / "text_encoder_2", /*with_projection=*/true);
    const std::filesystem::path autoencoder = folder_ / "vae";
    AutoencoderKL vae(AutoencoderKLConfig::from_json(read_json_object(autoencoder / "config.json")));
    load_parameters(vae, open_component_weights(autoencoder, "diffusion_pytorch_model", at::kFloat), at::kCPU,
                    at::kFloat);
    std::vector<std::unique_ptr<JudgeInTraining>> judges;
    std::vector<JudgeInTraining*> replicas;
    for (int64_t thread = 0; thread < options_.threads; ++thread) {
      judges.push_back(std::make_unique<JudgeInTraining>(config, world_.catalogue()));
      load_judge(folder, judges.back()->vision, judges.back()->attributes);
      replicas.push_back(judges.back().get());
    }
    JudgeTrainingOptions training;
    training.plan = plan("judge", options_.judge_iterations);
    training.plan.lr = 1e-3;
    training.plan.muon = true;
    training.plan.weight_decay = 0.02;
    training.batch_size = options_.batch_size.value_or(training.batch_size);
    training.seed = seed("judge");
    train_judge(replicas, *text_encoder, ClipTokenizer(folder_ / "tokenizer_2"), vae, world_, training,
                progress_, cancel_);
    save_judge(judges.front()->vision, judges.front()->attributes);
    write_text_file(done, "\n");
  }

  void save_judge(ClipVisionModel& vision, AttributeHeads& attributes) const {
    for (const auto& [attribute, share] : image_accuracy(vision, attributes, world_, 1000))
      progress_.note(attribute + " recognised, unseen scenes: " + std::to_string(share));
    save_component(judge_folder(), kModelWeights, vision, vision.config.to_json(), at::kFloat);
    save_component(judge_folder() / "attributes", kModelWeights, attributes, nlohmann::json::object(),
                   at::kFloat);
  }

  void learn_unet() {
    const std::filesystem::path done = options_.run_folder / "unet.done";
    if (std::filesystem::exists(done)) return;
    if (!std::filesystem::exists(folder_ / "unet" / kDiffusionWeights)) {
      UNet2DConditionModel unet(unet_config());
      initialize(unet, make_generator(seed("unet weights")));
      save_unet(unet);
    }
    if (options_.unet_iterations == 0) return;
    std::vector<std::unique_ptr<Sdxl>> bases;
    std::vector<Sdxl*> replicas;
    for (int64_t thread = 0; thread < options_.threads; ++thread) {
      bases.push_back(load_sdxl(folder_, {.dtype = working_dtype()}, progress_));
      replicas.push_back(bases.back().get());
    }
    UNetTrainingOptions training;
    training.plan = plan("unet", options_.unet_iterations);
    training.plan.lr = options_.unet_learning_rate;
    training.plan.lr_flag = "--unet-learning-rate";
    training.plan.muon = true;
    training.plan.warmup_iterations = 300;
    training.plan.weight_decay = 0.01;
    training.batch_size = options_.batch_size.value_or(training.batch_size);
    training.seed = seed("unet");
    const auto snapshot = [&](int64_t iteration) {
      save_unet(bases.front()->unet);
      note_validation(*bases.front(), iteration);
      NullProgress quiet;  // the bar is the training's
      write_png(options_.run_folder / "samples" / fmt::format("unet-{}.png", iteration),
                sample_sheet(*bases.front(), world_, options_.sample_steps, quiet), {});
    };
    if (!std::filesystem::exists(course())) note_validation(*bases.front(), 0);
    train_unet(replicas, world_, training, snapshot, progress_, cancel_);
    save_unet(bases.front()->unet);
    write_text_file(done, "\n");
  }

  /// Appends one line of JSON to the record of the UNet's progress.
  void note_validation(const Sdxl& base, int64_t iteration) const {
    const int64_t scenes = options_.validation_scenes;
    if (scenes == 0) return;
    nlohmann::json line = {{"iteration", iteration}, {"scenes", scenes}};
    std::string text = fmt::format("unseen scenes after {} iterations: squared error", iteration);
    for (const auto& [timestep, error] : unet_validation_error(base, world_, scenes)) {
      line["error"][std::to_string(timestep)] = error;
      text += fmt::format(" {:.4f} at t={},", error, timestep);
    }
    if (std::filesystem::exists(judge_folder() / "config.json")) {
      const ImageJudge judge(judge_folder(), world_.catalogue());
      const CancelToken never;  // a training that is told to stop does so after its seconds
      const double distance =
          validation_frechet_distance(base, world_, judge, scenes, options_.sample_steps, never);
      line["frechet_distance"] = distance;
      text += fmt::format(" Fréchet distance {:.3f}", distance);
    }
    append_json_line(course(), line, "--run-folder");
    progress_.note(text);
  }
  std::filesystem::path course() const { return options_.run_folder / "unet.validation.jsonl"; }
  std::filesystem::path judge_folder() const { return options_.run_folder / "judge"; }

  void save_unet(UNet2DConditionModel& unet) const {
    save_component(folder_ / "unet", kDiffusionWeights, unet,
                   with_class(unet.config.to_json(), "UNet2DConditionModel"), at::kFloat);
  }

  const PretrainOptions& options_;
  const World& world_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  std::filesystem::path folder_;
  std::vector<std::string> captions_;  // from which the vocabulary is learned
  Vocabulary vocabulary_;
};

void copy_with_weights_in(at::ScalarType dtype, const std::filesystem::path& from,
                          const std::filesystem::path& to, const CancelToken& cancel) {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    cancel.throw_if_cancelled("pretrain: export", "run the same command again: it goes on with the export");
    const fs::path target = to / fs::relative(entry.path(), from);
    fs::create_directories(target.parent_path());
    if (entry.path().extension() != ".safetensors") {
      write_text_file(target, read_file(entry.path()));  // not fs::copy_file: a full disk has its own error
      continue;
    }
    const SafetensorsFile file(entry.path());
    NamedTensors tensors;
    for (const auto& [name, info] : file.tensors()) tensors[name] = file.tensor(name).to(dtype);
    write_safetensors(target, tensors, file.metadata());
  }
}

}  // namespace

void save_component(const std::filesystem::path& folder, const std::string& weights_name, Module& module,
                    const nlohmann::json& config, at::ScalarType dtype) {
  std::filesystem::create_directories(folder);
  NamedTensors tensors;
  module.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
    tensors[path] = parameter.tensor->detach().to(dtype).contiguous();
  });
  write_safetensors(folder / weights_name, tensors, {{"format", "pt"}});
  write_text_file(folder / "config.json", config.dump(2) + "\n");
}

void pretrain_base(const PretrainOptions& options, const World& world, ProgressSink& progress,
                   const CancelToken& cancel) {
  if (options.batch_size && *options.batch_size % 4 != 0)
    throw Error(
        ErrorKind::kUsage, "pretrain",
        fmt::format("{} scenes cannot be shared equally by the four parts of a batch", *options.batch_size),
        "--batch-size takes a multiple of 4, such as 64");
  BasePretraining(options, world, progress, cancel).run();
}

void export_base(const std::filesystem::path& run_folder, const std::filesystem::path& folder,
                 at::ScalarType dtype, const CancelToken& cancel) {
  AtomicFolder base(folder, IfThere::kUpdate);
  copy_with_weights_in(dtype, run_folder / "base", base / "", cancel);
  if (std::filesystem::exists(run_folder / "judge")) {  // absent if the run began with a base without one
    AtomicFolder judges(judges_of(folder), IfThere::kUpdate);
    copy_with_weights_in(dtype, run_folder / "judge", judges / kJudge, cancel);
    judges.commit();
  }
  base.commit();
}

}  // namespace ziplora::mini
