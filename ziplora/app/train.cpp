#include "ziplora/app/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>

#include "ziplora/app/default_base.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/train_images.h"
#include "ziplora/app/train_resume.h"
#include "ziplora/app/train_run_folder.h"
#include "ziplora/app/train_safekeeping.h"
#include "ziplora/base/error.h"
#include "ziplora/base/free_space.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/fitting_write.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/pipeline/text_to_image.h"
#include "ziplora/train/dreambooth_batches.h"
#include "ziplora/train/dreambooth_lora.h"
#include "ziplora/train/training_metadata.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBatch = "batch_size";

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

TrainRunFolder prepare_run_folder(const TrainRequest& request, const TrainSettings& settings,
                                  const std::vector<fs::path>& images,
                                  const std::optional<ResumePoint>& resumed) {
  TrainRunFolder folder(
      request.run_folder.empty() ? fs::path("runs") / request.output.stem() : request.run_folder,
      remembered_request(request, images, settings));
  if (!request.team->leads()) return folder;
  if (resumed) {
    folder.reopen(resumed->file, resumed->checkpoint);
    return folder;
  }
  folder.require_new();
  if (settings.checkpoint_every > 0 || settings.sample_every > 0 || settings.num_class_images() > 0 ||
      !request.run_folder.empty())
    folder.open();
  return folder;
}

/// Class images are drawn once, by the leader; the others find them in the run folder.
EncodedImages encode_in_turn(const TrainImages& images, const TrainSettings& settings, const Sdxl& base,
                             const TrainRunFolder& folder, const TrainRequest& request,
                             ProgressSink& progress, const CancelToken& cancel) {
  const bool in_turn = settings.num_class_images() > 0;
  if (in_turn && !request.team->leads()) request.team->wait_for_all();
  EncodedImages encoded =
      encode_train_images(images, settings, base, folder.class_images(), progress, cancel);
  if (in_turn && request.team->leads()) request.team->wait_for_all();
  return encoded;
}

DreamBoothOptions dreambooth_options(const TrainSettings& settings) {
  DreamBoothOptions options;
  options.adapter.rank = settings.rank;
  options.adapter.lora_alpha = settings.alpha.value_or(static_cast<double>(settings.rank));
  options.adapter.targets = settings.targets;
  options.loss.prior_weight = settings.prior_weight;
  options.loss.min_snr_gamma = settings.min_snr_gamma;
  options.loss.unet_dtype = settings.dtype;
  options.adam.lr = settings.lr;
  options.adam.weight_decay = settings.weight_decay;
  options.adam.decoupled = settings.optimizer == "adamw";
  options.lr_schedule = settings.lr_schedule;
  options.warmup = settings.warmup;
  options.iterations = settings.iterations;
  options.gradient_accumulation = settings.gradient_accumulation;
  options.gradient_checkpointing = settings.gradient_checkpointing;
  options.max_grad_norm = settings.max_grad_norm;
  options.checkpoint_every = settings.checkpoint_every;
  options.checkpoint_minutes = settings.checkpoint_minutes;
  options.sample_every = settings.sample_every;
  options.seed = static_cast<uint64_t>(settings.seed);
  return options;
}

DreamBoothBatchOptions batch_options(const TrainSettings& settings, const NoiseSchedule& schedule) {
  DreamBoothBatchOptions options;
  options.batch_size = settings.batch_size;
  options.noise_offset = settings.noise_offset;
  options.num_train_timesteps = schedule.config.num_train_timesteps;
  options.seed = static_cast<uint64_t>(settings.seed);
  return options;
}

/// Nothing if Ctrl-C came while it was drawn: the training loop saves a checkpoint before it stops.
std::optional<at::Tensor> draw_sample(const Sdxl& base, const ImageRow& row, const CancelToken& cancel) {
  NullProgress quiet;
  try {
    return TextToImage(base).run({row}, {}, quiet, cancel).images[0];
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) return std::nullopt;
    throw;
  }
}

DreamBoothHooks hooks_for(TrainRunFolder& folder, const Sdxl& base, const ImageRow& sample,
                          ProgressSink& progress, const CancelToken& cancel) {
  DreamBoothHooks hooks;
  hooks.save_checkpoint = [&](const TrainingCheckpoint& checkpoint) { folder.save_checkpoint(checkpoint); };
  hooks.save_by_time = [&](const TrainingCheckpoint& checkpoint) {
    try {
      folder.save_checkpoint(checkpoint);
    } catch (const Error& error) {  // nobody asked for it
      progress.warning(
          fmt::format("the checkpoint of iteration {} could not be saved ({}: {}); training goes on",
                      checkpoint.iteration, error.where(), error.problem()));
    }
  };
  hooks.draw_sample = [&, sample](int64_t iteration) {
    if (const auto image = draw_sample(base, sample, cancel))
      folder.save_sample(iteration, *image, sample.prompt, sample.seed);
  };
  hooks.record = [&](int64_t iteration, const Metrics& metrics) { folder.record(iteration, metrics); };
  return hooks;
}

/// The loop knows neither flags nor files; its errors get hints that name them.
Error with_hint(const Error& error, const TrainRequest& request, const TrainSettings& settings,
                const TrainRunFolder& folder) {
  std::string hint = error.hint();
  if (error.kind() == ErrorKind::kInterrupted) {
    hint = "go on with: " + command_to_go_on(request, folder.path());
  } else if (error.kind() == ErrorKind::kNonFinite) {
    hint = fmt::format("start anew with a lower --lr (it was {})", settings.lr);
    if (folder.last_checkpoint())
      hint += fmt::format("; {} is from before it showed", folder.last_checkpoint()->string());
  }
  return {error.kind(), error.where(), error.problem(), hint};
}

LossCourse course_of(const std::vector<double>& losses) {
  const auto window = static_cast<ptrdiff_t>(std::min<size_t>(10, losses.size()));
  if (window == 0) return {};
  const auto mean = [&](auto begin) {
    return std::accumulate(begin, begin + window, 0.0) / static_cast<double>(window);
  };
  return {mean(losses.begin()), mean(losses.end() - window)};
}

StringMap metadata_of(const TrainRequest& request, const TrainResult& result,
                      const std::vector<std::string>& captions, const Sdxl& base) {
  TrainingFacts facts;
  facts.instance_prompt = request.prompt;
  for (const std::string& caption : captions) ++facts.images_of_caption[caption];
  facts.output_name = request.output.stem().string();
  facts.settings = course_to_json(result.settings);
  facts.iterations = result.iterations;
  facts.num_images = result.images;
  facts.num_class_images = result.class_images;
  facts.resolution = training_resolution(result.settings, base);
  facts.base_name = fs::absolute(*request.base).lexically_normal().filename().string();
  facts.v_prediction =
      NoiseScheduleConfig::from_json(base.scheduler_config).prediction_type == PredictionType::kVPrediction;
  return training_metadata(facts);
}

/// At least.
uint64_t file_size_bytes(const TrainableAdapter& adapter, at::ScalarType dtype) {
  uint64_t values = 0;
  for (const auto& [name, factor] : adapter.factors()) values += static_cast<uint64_t>(factor.numel());
  return values * c10::elementSize(dtype);
}

/// Writes the LoRA file. @return what can be said of the run but for time, memory and folder
TrainResult write_lora(const DreamBoothRun& run, const TrainRequest& request, const TrainSettings& settings,
                       const std::vector<std::string>& captions, const Sdxl& base, ProgressSink& progress) {
  Adapter adapter = run.adapter().snapshot();
  TrainResult result;
  result.output = request.output;
  result.settings = settings;
  result.iterations = run.iteration();
  result.images = static_cast<int64_t>(captions.size());
  result.class_images = settings.num_class_images();
  result.layers = static_cast<int64_t>(adapter.layers.size());
  result.loss = course_of(run.losses());
  result.instance_loss = course_of(run.instance_losses());
  adapter.metadata = metadata_of(request, result, captions, base);
  const TargetNames names(base.unet.config, base.text_encoder.config, base.text_encoder_2.config);
  write_in_fitting_dtype(request.output, adapter, names,
                         {.format = settings.format, .dtype = settings.file_dtype}, progress);
  return result;
}

}  // namespace

nlohmann::json to_json(const TrainResult& result) {
  nlohmann::json json{{"output", result.output.string()},
                      {"iterations", result.iterations},
                      {"images", result.images},
                      {"captions", result.captions},
                      {"layers", result.layers},
                      {"class_images", result.class_images},
                      {"loss_first", result.loss.first},
                      {"loss_last", result.loss.last},
                      {"instance_loss_first", result.instance_loss.first},
                      {"instance_loss_last", result.instance_loss.last},
                      {"seconds", result.seconds},
                      {"peak_memory_bytes", result.peak_memory_bytes},
                      {"settings", course_to_json(result.settings)}};
  for (const UnusedFile& file : result.unused)
    json["unused_files"].push_back({{"file", file.path.string()}, {"reason", file.reason}});
  if (result.run_folder) json["run_folder"] = result.run_folder->string();
  return json;
}

TrainResult run_train(TrainRequest request, ProgressSink& progress, const CancelToken& cancel) {
  const auto started = std::chrono::steady_clock::now();
  const Team& team = *request.team;
  const bool says_batch = request.settings.contains(kBatch);
  if (says_batch) request.settings[kBatch] = request.settings[kBatch].get<int64_t>() * team.size();
  const std::optional<ResumePoint> resumed = take_over(request);

  // What can be wrong with the request shows before the base is loaded, which takes a while.
  require_complete(request);
  request.base = resolve_base(request.base);
  TrainSettings settings = resolve_train_settings(*request.base, request.settings);
  if (!says_batch && !resumed) settings.batch_size *= team.size();
  require_shares(team, settings.batch_size, "train");
  require_writable(request.output, settings.format);
  const DevicePolicy policy = parse_device_policy(request.device, settings.dtype, "train: --device");
  const TrainImages images = find_train_images(request.images, request.prompt, progress);
  TrainRunFolder folder = prepare_run_folder(request, settings, images.listed(), resumed);

  const std::unique_ptr<Sdxl> base = load_sdxl(*request.base, policy, progress);
  const EncodedImages encoded = encode_in_turn(images, settings, *base, folder, request, progress, cancel);
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(base->scheduler_config));
  const DreamBoothBatches batches(encoded.instance, encoded.classes, encoded.prompts, encoded.prompt_of_image,
                                  batch_options(settings, schedule));
  DreamBoothRun run(base->unet, schedule, dreambooth_options(settings));
  if (resumed) run.restore(resumed->checkpoint, request.resume->string());
  ImageRow sample;
  sample.prompt = settings.sample_prompt.empty() ? request.prompt : settings.sample_prompt;
  sample.seed = static_cast<uint64_t>(settings.seed);
  require_space_for(request.output, file_size_bytes(run.adapter(), settings.file_dtype));
  const BatchSource source = [&](int64_t n) { return batches.batch(n); };
  TrainResult result;
  if (!team.leads()) {
    run.train(source, {}, progress, cancel, *request.team);
    return result;
  }
  try {
    keep_if_it_fails(run, folder, request, progress, [&] {
      run.train(source, hooks_for(folder, *base, sample, progress, cancel), progress, cancel, *request.team);
      result = write_lora(run, request, settings, images.captions, *base, progress);
    });
  } catch (const Error& error) {
    throw with_hint(error, request, settings, folder);
  }
  folder.result_is_safe();
  result.captions = images.captioned;
  result.unused = images.unused;
  if (folder.is_open()) result.run_folder = folder.path();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.peak_memory_bytes = peak_memory_bytes();
  return result;
}

}  // namespace ziplora
