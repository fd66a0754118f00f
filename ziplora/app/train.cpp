#include "ziplora/app/train.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <numeric>

#include "ziplora/app/default_base.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/train_resume.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/base/rng.h"
#include "ziplora/data/aspect_buckets.h"
#include "ziplora/data/augmentation.h"
#include "ziplora/data/image_folder.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/json_lines.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/pipeline/text_to_image.h"
#include "ziplora/train/checkpoint.h"
#include "ziplora/train/dreambooth_batches.h"
#include "ziplora/train/dreambooth_lora.h"
#include "ziplora/train/latent_cache.h"
#include "ziplora/train/prior_images.h"
#include "ziplora/train/training_metadata.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

void require_complete(const TrainRequest& request) {
  if (request.images.empty())
    throw Error(ErrorKind::kUsage, "train", "no images are named",
                "ziplora train photos/ --prompt \"a sks dog\" -o dog.safetensors");
  if (request.prompt.empty())
    throw Error(ErrorKind::kUsage, "train", "there is no --prompt",
                "say what the images show: --prompt \"a sks dog\"");
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "train", "there is no output file", "add -o dog.safetensors");
}

void create_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw Error(ErrorKind::kFailed, "train: the run folder " + folder.string(), problem.message(),
                "choose a folder you can write to with --run-folder");
}

/// Where a loss came from and got to: means of its first and last ten iterations.
struct Course {
  double first = 0, last = 0;
};

Course course_of(const std::vector<double>& losses) {
  const auto window = static_cast<ptrdiff_t>(std::min<size_t>(10, losses.size()));
  if (window == 0) return {};
  const auto mean = [&](auto begin) {
    return std::accumulate(begin, begin + window, 0.0) / static_cast<double>(window);
  };
  return {mean(losses.begin()), mean(losses.end() - window)};
}

/// One run from resolved request to written file; the members are what later stages need of earlier ones.
class TrainingJob {
 public:
  TrainingJob(TrainRequest request, std::optional<TrainingCheckpoint> start, ProgressSink& progress,
              const CancelToken& cancel)
      : request_(std::move(request)), start_(std::move(start)), progress_(progress), cancel_(cancel) {}

  TrainResult run() {
    const auto started = std::chrono::steady_clock::now();
    // What can be wrong with the request shows before the base's loading is paid for.
    require_complete(request_);
    request_.base = resolve_base(request_.base);
    settings_ = resolve_train_settings(*request_.base, request_.settings);
    require_writable(request_.output, settings_.format);
    policy_ = parse_device_policy(request_.device, settings_.dtype, "train: --device");
    read_images();
    keep_run_folder();
    base_ = load_sdxl(*request_.base, policy_, progress_);
    cut_views();
    const LatentCache instance(base_->vae, training_images_, policy_.device, settings_.vae_tiling, progress_,
                               cancel_);
    const std::vector<LatentCache> classes = class_caches(instance);
    const std::vector<int64_t> prompt_of_image = list_prompts();
    const DreamBoothBatches batches(instance, classes, encode_prompts(), prompt_of_image, batch_options());

    const NoiseSchedule schedule(NoiseScheduleConfig::from_json(base_->scheduler_config));
    DreamBoothRun run(base_->unet, schedule, options());
    if (start_) run.restore(*start_, request_.resume->string());
    train(run, batches);
    return write_result(run, schedule, started);
  }

 private:
  void read_images() {
    for (const CaptionedImage& item : list_captioned_images(request_.images)) {
      images_.push_back(read_image(item.path));
      paths_.push_back(item.path);
      captions_.push_back(item.caption.value_or(request_.prompt));
    }
  }

  int64_t resolution() const {
    return settings_.resolution > 0 ? settings_.resolution : base_->default_image_size();
  }

  ImageSize target_size(const at::Tensor& image) const {
    if (!settings_.buckets) return {resolution(), resolution()};
    const std::vector<ImageSize> sizes =
        aspect_buckets({.resolution = resolution(), .step = base_->image_size_step()});
    return sizes[nearest_bucket({image.size(1), image.size(2)}, sizes)];
  }

  void cut_views() {
    base_->check_image_size(resolution(), resolution(), "train: --resolution");
    const bool anywhere = settings_.random_crop || settings_.zoom > 1;
    const bool varied = anywhere || settings_.random_flip;
    const CropPosition crop = anywhere ? CropPosition::kRandom : CropPosition::kCenter;
    const Mirroring mirroring = settings_.random_flip ? Mirroring::kHalfTheTime : Mirroring::kNever;
    for (size_t i = 0; i < images_.size(); ++i) {
      const uint64_t seed =
          derive_seed(static_cast<uint64_t>(settings_.seed), fmt::format("views of picture {}", i));
      at::Generator generator = make_generator(seed);
      TrainingImage image{paths_[i].string(), {}};
      for (int64_t view = 0; view < (varied ? settings_.views : 1); ++view)
        image.views.push_back(
            crop_view(images_[i], {target_size(images_[i]), crop, mirroring, settings_.zoom}, generator));
      training_images_.push_back(std::move(image));
    }
    images_.clear();
  }

  /// The class images, cut to each bucket of the instance images.
  std::vector<LatentCache> class_caches(const LatentCache& instance) {
    std::vector<LatentCache> caches;
    if (settings_.num_class_images() == 0) return caches;
    PriorImageOptions prior;
    prior.class_prompts = settings_.class_prompt;
    prior.count = settings_.num_class_images();
    prior.height = prior.width = resolution();
    prior.seed = derive_seed(static_cast<uint64_t>(settings_.seed), "class images");
    const std::vector<fs::path> paths =
        prior_images(*base_, prior, run_folder() / "class_images", progress_, cancel_);
    for (const ImageSize& size : instance.bucket_sizes()) {
      std::vector<TrainingImage> images;
      for (const fs::path& path : paths)
        images.push_back({path.string(), {crop_view(read_image(path), {.target = size}, make_generator(0))}});
      caches.emplace_back(base_->vae, images, policy_.device, settings_.vae_tiling, progress_, cancel_);
    }
    return caches;
  }

  /// Distinct captions in order of appearance, the class prompts last. @return each image's caption as an
  /// index
  std::vector<int64_t> list_prompts() {
    std::vector<int64_t> prompt_of_image;
    for (const std::string& caption : captions_) {
      const auto found = std::find(prompts_.begin(), prompts_.end(), caption);
      prompt_of_image.push_back(found - prompts_.begin());
      if (found == prompts_.end()) prompts_.push_back(caption);
    }
    prompts_.insert(prompts_.end(), settings_.class_prompt.begin(), settings_.class_prompt.end());
    return prompt_of_image;
  }

  PromptEmbeddings encode_prompts() const {
    const at::NoGradGuard no_grad;
    const PromptEmbeddings embeddings = base_->encode_prompt(prompts_, progress_);
    // Copies: what an inference-mode encoder returns must not be saved for a backward pass.
    return {embeddings.prompt_embeds.clone(), embeddings.pooled_prompt_embeds.clone()};
  }

  DreamBoothBatchOptions batch_options() const {
    DreamBoothBatchOptions options;
    options.batch_size = settings_.batch_size;
    options.noise_offset = settings_.noise_offset;
    options.num_train_timesteps = NoiseScheduleConfig::from_json(base_->scheduler_config).num_train_timesteps;
    options.seed = static_cast<uint64_t>(settings_.seed);
    return options;
  }

  DreamBoothOptions options() const {
    DreamBoothOptions options;
    options.adapter.rank = settings_.rank;
    options.adapter.lora_alpha = settings_.alpha.value_or(static_cast<double>(settings_.rank));
    options.adapter.targets = settings_.targets;
    options.loss.prior_weight = settings_.prior_weight;
    options.loss.min_snr_gamma = settings_.min_snr_gamma;
    options.loss.unet_dtype = policy_.dtype;
    options.adam.lr = settings_.lr;
    options.adam.weight_decay = settings_.weight_decay;
    options.adam.decoupled = settings_.optimizer == "adamw";
    options.lr_schedule = settings_.lr_schedule;
    options.warmup = settings_.warmup;
    options.iterations = settings_.iterations;
    options.gradient_accumulation = settings_.gradient_accumulation;
    options.gradient_checkpointing = settings_.gradient_checkpointing;
    options.max_grad_norm = settings_.max_grad_norm;
    options.checkpoint_every = settings_.checkpoint_every;
    options.sample_every = settings_.sample_every;
    options.seed = static_cast<uint64_t>(settings_.seed);
    return options;
  }

  fs::path run_folder() const {
    return request_.run_folder.empty() ? fs::path("runs") / request_.output.stem() : request_.run_folder;
  }

  void write_config() const {
    create_folder(run_folder());
    write_json_file(run_folder() / "config.json", remembered_request(request_, paths_, settings_));
  }

  void keep_run_folder() {
    if (!start_)
      if (const auto earlier = latest_checkpoint(run_folder()))
        throw Error(
            ErrorKind::kUsage, "train",
            fmt::format("{} is of an earlier run, which this one would be mixed up with", earlier->string()),
            fmt::format(
                "go on with that run (--resume {0}), name another folder (--run-folder), or remove {0}",
                run_folder().string()));
    keeps_run_folder_ = settings_.checkpoint_every > 0 || settings_.sample_every > 0 ||
                        settings_.num_class_images() > 0 || !request_.run_folder.empty() ||
                        start_.has_value();
    if (!keeps_run_folder_) return;
    write_config();
    const fs::path metrics = run_folder() / "metrics.jsonl";
    // A resumed run repeats what lay after its checkpoint; a new run starts its own record.
    std::string kept, line;
    if (start_)
      for (std::ifstream file(metrics); std::getline(file, line);) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        if (entry.is_object() && entry.value("iteration", INT64_MAX) <= start_->iteration)
          kept += line + "\n";
      }
    write_text_file(metrics, kept);
  }

  void train(DreamBoothRun& run, const DreamBoothBatches& batches) {
    DreamBoothHooks hooks;
    hooks.save_checkpoint = [&](TrainingCheckpoint checkpoint) {
      if (!keeps_run_folder_) write_config();
      checkpoint.settings = remembered_request(request_, paths_, settings_);
      const fs::path path = checkpoint_path(run_folder(), checkpoint.iteration);
      write_checkpoint(path, checkpoint);
      last_checkpoint_ = path;
    };
    hooks.draw_sample = [&](int64_t iteration) { draw_sample(iteration); };
    hooks.record = [&](int64_t iteration, const Metrics& metrics) {
      if (!keeps_run_folder_) return;
      nlohmann::json entry{{"iteration", iteration}};
      for (const auto& [name, value] : metrics) entry[name] = value;
      append_json_line(run_folder() / "metrics.jsonl", entry);
    };
    if (start_) last_checkpoint_ = checkpoint_to_resume(*request_.resume);
    try {
      run.train([&](int64_t n) { return batches.batch(n); }, hooks, progress_, cancel_);
    } catch (const Error& error) {
      throw Error(error.kind(), error.where(), error.problem(), hint_after(error));
    }
  }

  std::string hint_after(const Error& error) const {
    if (error.kind() == ErrorKind::kInterrupted)
      return fmt::format("go on with: ziplora train --resume {}", run_folder().string());
    if (error.kind() != ErrorKind::kNonFinite) return error.hint();
    const std::string lower = fmt::format("start anew with a lower --lr (it was {})", settings_.lr);
    if (!last_checkpoint_) return lower;
    return fmt::format("{}; {} is from before it showed", lower, last_checkpoint_->string());
  }

  void draw_sample(int64_t iteration) const {
    ImageRow row;
    row.prompt = settings_.sample_prompt.empty() ? request_.prompt : settings_.sample_prompt;
    row.seed = static_cast<uint64_t>(settings_.seed);
    GeneratedImages drawn;
    try {
      NullProgress quiet;
      drawn = TextToImage(*base_).run({row}, {}, quiet, cancel_);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted) return;  // the loop saves a checkpoint before it stops
      throw;
    }
    const fs::path folder = run_folder() / "samples";
    create_folder(folder);
    write_png(folder / fmt::format("sample-{:06}.png", iteration), drawn.images[0],
              {{"parameters", json_line({{"prompt", row.prompt}, {"seed", row.seed}})}});
  }

  TrainResult write_result(const DreamBoothRun& run, const NoiseSchedule& schedule,
                           std::chrono::steady_clock::time_point started) const {
    TrainingFacts facts;
    facts.instance_prompt = request_.prompt;
    for (const std::string& caption : captions_) ++facts.images_of_caption[caption];
    facts.output_name = request_.output.stem().string();
    facts.settings = to_json(settings_);
    for (const TrainSetting& setting : train_settings_table())
      if (setting.role == SettingRole::kKeeping) facts.settings.erase(setting.name);
    facts.iterations = run.iteration();
    facts.num_images = static_cast<int64_t>(training_images_.size());
    facts.num_class_images = settings_.num_class_images();
    facts.resolution = resolution();
    facts.base_name = fs::absolute(*request_.base).lexically_normal().filename().string();
    facts.v_prediction = schedule.config.prediction_type == PredictionType::kVPrediction;

    Adapter adapter = run.adapter().snapshot();
    adapter.metadata = training_metadata(facts);
    const TargetNames names(base_->unet.config, base_->text_encoder.config, base_->text_encoder_2.config);
    WriteOptions write;
    write.format = settings_.format;
    write.dtype = settings_.file_dtype;
    write_adapter(request_.output, adapter, names, write);

    const Course total = course_of(run.losses()), instance = course_of(run.instance_losses());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    nlohmann::json report{{"output", request_.output.string()},
                          {"iterations", run.iteration()},
                          {"images", facts.num_images},
                          {"layers", adapter.layers.size()},
                          {"class_images", facts.num_class_images},
                          {"loss_first", total.first},
                          {"loss_last", total.last},
                          {"instance_loss_first", instance.first},
                          {"instance_loss_last", instance.last},
                          {"seconds", seconds.count()},
                          {"peak_memory_bytes", peak_memory_bytes()},
                          {"settings", facts.settings}};
    if (keeps_run_folder_) report["run_folder"] = run_folder().string();
    return {request_.output, report};
  }

  TrainRequest request_;
  const std::optional<TrainingCheckpoint> start_;
  ProgressSink& progress_;
  const CancelToken& cancel_;

  TrainSettings settings_;
  DevicePolicy policy_;
  std::unique_ptr<Sdxl> base_;
  std::vector<at::Tensor> images_;  // until they are cut
  std::vector<fs::path> paths_;
  std::vector<std::string> captions_;  // of each image
  std::vector<TrainingImage> training_images_;
  std::vector<std::string> prompts_;  // distinct
  bool keeps_run_folder_ = false;
  std::optional<fs::path> last_checkpoint_;
};

}  // namespace

TrainResult run_train(TrainRequest request, ProgressSink& progress, const CancelToken& cancel) {
  std::optional<TrainingCheckpoint> start;
  if (request.resume) {
    const fs::path path = checkpoint_to_resume(*request.resume);
    start = read_checkpoint(path);
    take_over(request, *start, path);
    if (request.run_folder.empty()) request.run_folder = path.parent_path();
  }
  return TrainingJob(std::move(request), std::move(start), progress, cancel).run();
}

}  // namespace ziplora
