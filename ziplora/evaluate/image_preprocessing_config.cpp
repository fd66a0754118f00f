// preprocessor_config.json, in the forms that published folders have it.
#include <fmt/format.h>

#include <optional>
#include <string>

#include "ziplora/evaluate/image_preprocessing.h"
#include "ziplora/models/config_reader.h"

namespace ziplora {
namespace {

using nlohmann::json;

constexpr std::array<float, 3> kClipMean{0.48145466f, 0.4578275f, 0.40821073f};
constexpr std::array<float, 3> kClipDeviation{0.26862954f, 0.26130258f, 0.27577711f};
constexpr std::array<float, 3> kImageNetMean{0.485f, 0.456f, 0.406f};
constexpr std::array<float, 3> kImageNetDeviation{0.229f, 0.224f, 0.225f};

/// What a class of transformers does unless it is told otherwise.
struct ProcessorDefaults {
  ImageProcessor processor;
  const char* name;
  PillowFilter filter;
  bool square;  ///< a size that is one number means a square, not the shortest edge
  bool crops;
  std::array<float, 3> mean, deviation;
};
constexpr ProcessorDefaults kProcessors[] = {
    {ImageProcessor::kClip, "CLIP", PillowFilter::kBicubic, false, true, kClipMean, kClipDeviation},
    {ImageProcessor::kVit, "ViT", PillowFilter::kBilinear, true, false, kImageNetMean, kImageNetDeviation},
    {ImageProcessor::kBit, "Bit", PillowFilter::kBicubic, false, true, kClipMean, kClipDeviation}};
constexpr int64_t kDefaultSize = 224;
/// Pixels. The largest encoders take 518; a config is a few bytes and can ask for any size.
constexpr int64_t kLargestEdge = 4096;

/// "CLIPImageProcessor", "CLIPImageProcessorFast" and "CLIPFeatureExtractor" are one class.
const ProcessorDefaults& defaults_of(ConfigReader& reader, ImageProcessor otherwise) {
  for (const char* field : {"image_processor_type", "feature_extractor_type"}) {
    if (!reader.has(field)) continue;
    const auto type = reader.get<std::string>(field);
    for (const ProcessorDefaults& defaults : kProcessors)
      for (const char* suffix :
           {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"})
        if (type == std::string(defaults.name) + suffix) return defaults;
    reader.unsupported(field, "CLIPImageProcessor, ViTImageProcessor and BitImageProcessor");
  }
  for (const ProcessorDefaults& defaults : kProcessors)
    if (defaults.processor == otherwise) return defaults;
  return kProcessors[0];
}

int64_t read_edge(ConfigReader& reader, const char* field) {
  const int64_t edge = reader.positive(field);
  if (edge > kLargestEdge) reader.unsupported(field, fmt::format("at most {} pixels", kLargestEdge));
  return edge;
}

/// @param size  a JSON object with "height" and "width"
ImageSize exact_size(const json& size, const std::string& field) {
  ConfigReader reader(size, "image preprocessing: " + field, kEncoderHints);
  const ImageSize result{read_edge(reader, "height"), read_edge(reader, "width")};
  reader.finish();
  return result;
}

void read_resize(ConfigReader& reader, const json& config, const ProcessorDefaults& defaults,
                 ImagePreprocessing& result) {
  const bool square = reader.get<bool>("default_to_square", defaults.square);
  const bool has_size = reader.has("size");
  const bool is_object = has_size && config.at("size").is_object();
  if (is_object && config.at("size").contains("shortest_edge")) {
    ConfigReader size(config.at("size"), "image preprocessing: size", kEncoderHints);
    result.shortest_edge = read_edge(size, "shortest_edge");
    size.finish();
  } else if (is_object) {
    result.resized = exact_size(config.at("size"), "size");
  } else {
    const int64_t edge = has_size ? read_edge(reader, "size") : kDefaultSize;
    if (square)
      result.resized = {edge, edge};
    else
      result.shortest_edge = edge;
  }
  const auto code = reader.get<int64_t>("resample", static_cast<int64_t>(defaults.filter));
  if (code < 1 || code > 3) reader.unsupported("resample", "1 (Lanczos), 2 (bilinear) and 3 (bicubic)");
  result.filter = static_cast<PillowFilter>(code);
}

void read_crop(ConfigReader& reader, const json& config, ImagePreprocessing& result) {
  const bool has_size = reader.has("crop_size");
  if (has_size && config.at("crop_size").is_object()) {
    result.cropped = exact_size(config.at("crop_size"), "crop_size");
  } else {
    const int64_t edge = has_size ? read_edge(reader, "crop_size") : kDefaultSize;
    result.cropped = {edge, edge};
  }
  // transformers would put a black frame around the image.
  const int64_t rows = result.shortest_edge ? result.shortest_edge : result.resized.height;
  const int64_t columns = result.shortest_edge ? result.shortest_edge : result.resized.width;
  if (rows && (result.cropped.height > rows || result.cropped.width > columns))
    reader.unsupported("crop_size", "at most \"size\"");
}

std::array<float, 3> read_channels(ConfigReader& reader, const char* field,
                                   const std::array<float, 3>& absent) {
  const auto values = reader.get<std::vector<float>>(field, std::vector<float>(absent.begin(), absent.end()));
  if (values.size() != 3) reader.unsupported(field, "a list of three numbers");
  return {values[0], values[1], values[2]};
}

/// Settings that change nothing here: images are RGB, and the results float32 tensors.
void skip_what_does_not_matter(ConfigReader& reader, const json& config) {
  reader.skip({"processor_class", "feature_extractor_type", "do_convert_rgb", "data_format",
               "input_data_format", "return_tensors", "device", "disable_grouping", "auto_map", "size",
               "crop_size", "resample", "rescale_factor", "image_mean", "image_std", "default_to_square"});
  for (const auto& [field, value] : config.items())
    if (value.is_null()) reader.skip({field});
}

}  // namespace

ImagePreprocessing image_preprocessing(const json& config, ImageProcessor processor) {
  ConfigReader reader(config, "image preprocessing", kEncoderHints);
  const ProcessorDefaults& defaults = defaults_of(reader, processor);
  ImagePreprocessing result;
  if (reader.get<bool>("do_resize", true)) read_resize(reader, config, defaults, result);
  if (reader.get<bool>("do_center_crop", defaults.crops)) read_crop(reader, config, result);
  if (!result.output().height)
    reader.unsupported("do_center_crop", "true, where \"size\" does not say both height and width");
  result.rescale_factor =
      reader.get<bool>("do_rescale", true) ? reader.get<double>("rescale_factor", 1.0 / 255) : 1.0;
  if (reader.get<bool>("do_normalize", true)) {
    result.mean = read_channels(reader, "image_mean", defaults.mean);
    result.deviation = read_channels(reader, "image_std", defaults.deviation);
    for (const float value : result.deviation)
      if (!(value > 0)) reader.unsupported("image_std", "numbers above 0");
  }
  reader.expect("do_pad", false);
  skip_what_does_not_matter(reader, config);
  reader.finish();
  return result;
}

}  // namespace ziplora
