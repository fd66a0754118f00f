// ziplora generate: images from prompts.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/frame/adapter_argument.h"
#include "cli/frame/config_file.h"
#include "cli/frame/exact_numbers.h"
#include "cli/frame/ignore_unused_help.h"
#include "cli/frame/option_table_flags.h"
#include "cli/frame/printing.h"
#include "cli/sampling_flags.h"
#include "cli/terminal/show_images.h"
#include "ziplora/app/device_policy.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/generate_settings.h"
#include "ziplora/base/error.h"
#include "ziplora/io/base64.h"
#include "ziplora/io/image_file.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora::cli {
namespace {

/// Arguments that need parsing; all others are fields of the request.
struct GenerateTexts {
  std::string subject, style;
  std::vector<std::string> adapters, columns, image_columns;
  std::optional<std::string> initial_noise;
  std::string device = "cpu", like;
  bool show = false;
};

/// Whether the text is the name of a file, with or without a strength after it.
bool names_a_file(const std::string& text) {
  std::error_code ignored;  // an inaccessible name is not a file
  return std::filesystem::exists(text, ignored) ||
         std::filesystem::exists(text.substr(0, text.rfind(':')), ignored);
}

/// "none", or adapters joined by '+', with an optional "label=" in front. An '=' in the name of an existing
/// file is part of the name.
AdapterSet parse_column(const std::string& text) {
  AdapterSet set;
  std::string adapters = text;
  const size_t equals = text.find('=');
  if (equals != std::string::npos && !names_a_file(text.substr(0, text.find('+')))) {
    set.label = text.substr(0, equals);
    adapters = text.substr(equals + 1);
  }
  for (size_t begin = 0; adapters != "none" && begin <= adapters.size();) {
    const size_t end = std::min(adapters.find('+', begin), adapters.size());
    set.adapters.push_back(parse_adapter("generate: --column", adapters.substr(begin, end - begin)));
    begin = end + 1;
  }
  return set;
}

/// "label=FILE,FILE,,FILE": nothing between two commas leaves a cell blank.
ImageColumn parse_image_column(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    throw Error(ErrorKind::kUsage, "generate: --image-column " + text,
                "'=' is missing, expected LABEL=FILE[,FILE…]",
                "for example --image-column \"true drawing=a.png,,b.png\"");
  ImageColumn column{text.substr(0, equals), {}};
  for (size_t begin = equals + 1; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    column.images.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return column;
}

/// Subject, style and further adapters, in the order in which a strategy takes them.
AdapterSet parse_adapters(const GenerateTexts& texts) {
  AdapterSet all;
  const auto add = [&all](Role role, const std::string& text) {
    AdapterChoice choice = parse_adapter(std::string("generate: --") + name_of(role), text);
    choice.role = role;
    all.adapters.push_back(choice);
  };
  if (!texts.subject.empty()) add(Role::kSubject, texts.subject);
  if (!texts.style.empty()) add(Role::kStyle, texts.style);
  for (const std::string& text : texts.adapters) add(Role::kAdapter, text);
  if (!texts.subject.empty() && !texts.style.empty() && all.adapters[0].file == all.adapters[1].file)
    throw Error(ErrorKind::kUsage, "generate: --style " + texts.style, "the same file is the subject",
                "name two files, or give this one as --adapter FILE");
  return all;
}

/// In a column, a file has the role that --subject or --style gives it.
void give_roles(AdapterSet& column, const AdapterSet& all) {
  for (AdapterChoice& choice : column.adapters) {
    const auto named = std::ranges::find(all.adapters, choice.file, &AdapterChoice::file);
    if (named != all.adapters.end()) choice.role = named->role;
  }
}

/// The columns of a grid are those given; by default the base, each adapter alone and all adapters together.
std::vector<AdapterSet> adapter_sets(const GenerateTexts& texts, bool grid) {
  const AdapterSet all = parse_adapters(texts);
  if (!grid) {
    if (!texts.columns.empty())
      throw Error(ErrorKind::kUsage, "generate: --column", "columns need a grid", "add --grid");
    return {all};
  }
  std::vector<AdapterSet> sets;
  for (const std::string& text : texts.columns) give_roles(sets.emplace_back(parse_column(text)), all);
  if (!sets.empty()) return sets;
  sets.emplace_back();
  for (const AdapterChoice& choice : all.adapters) sets.push_back({{choice}, {}});
  if (all.adapters.size() > 1) sets.push_back(all);
  return sets;
}

void parse_texts(const GenerateTexts& texts, GenerateRequest& request) {
  request.adapter_sets = adapter_sets(texts, request.grid);
  for (const std::string& text : texts.image_columns)
    request.image_columns.push_back(parse_image_column(text));
  request.policy = parse_device_policy(texts.device, request.policy.dtype, "generate: --device");
  if (texts.initial_noise) {
    const auto [file, row] =
        split_number<int64_t>("generate: --initial-noise", *texts.initial_noise, "noise.safetensors:0");
    request.initial_noise = file;
    request.initial_noise_row = row;
  }
  if (!texts.like.empty()) request.expected_sha256 = read_image_digests(texts.like);
}

/// An event beside those of the progress, which programs show as it is.
void tell(const LatentPreview& preview) {
  print_err_json({{"event", "preview"},
                  {"stage", "denoise"},
                  {"row", preview.row},
                  {"step", preview.step},
                  {"total", preview.steps},
                  {"image", "data:image/png;base64," + base64(png_bytes(preview.image))}});
}

void tell_previews(SamplingOptions& sampling, const CommandContext& context) {
  if (sampling.preview_every != 0 && !context.json)
    throw Error(ErrorKind::kUsage, "generate: --preview-every", "previews are events for programs",
                "add --json, or leave it out");
  sampling.on_preview = tell;
}

/// The sheet, or the single images: latents are written, too.
std::vector<std::filesystem::path> images_of(const GenerateResult& made) {
  std::vector<std::filesystem::path> images = made.files;
  std::erase_if(images, [](const std::filesystem::path& file) { return file.extension() != ".png"; });
  return images;
}

void run(const GenerateTexts& texts, GenerateRequest& request, CommandContext& context) {
  parse_texts(texts, request);
  tell_previews(request.sampling, context);
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "ziplora generate", "--output is required", "add -o OUT.png");
  const GenerateResult made = run_generate(request, context.progress, context.cancel);
  std::string text;
  for (const std::filesystem::path& file : made.files) text += file.string() + "\n";
  context.print_result(to_json(made), text);
  if (texts.show && !context.json) show_images(images_of(made));
}

/// The image of --like serves as a config.
std::optional<FurtherSettings> settings_of_image(const std::string& like) {
  if (like.empty()) return std::nullopt;
  return FurtherSettings{read_image_settings(like), "generate: --like " + like};
}

/// Takes one value each time it is given.
CLI::Option* repeatable(CLI::Option* option) { return option->take_all()->allow_extra_args(false); }

void add_image_flags(CLI::App& app, GenerateTexts& texts, GenerateRequest& request) {
  app.add_option("prompt", request.prompts, "Draw these prompts");
  const char* file = "FILE[:STRENGTH]";
  repeatable(app.add_option("--adapter", texts.adapters, "Attach this LoRA; repeat for several at once"))
      ->type_name(file);
  app.add_option("--subject", texts.subject, "Attach this LoRA, too, as the subject of a strategy")
      ->type_name(file);
  app.add_option("--style", texts.style, "Attach this LoRA, too, as the style of a strategy")
      ->type_name(file);
  app.add_flag("--ignore-unused", request.ignore_unused, kIgnoreUnusedHelp);
  app.add_option("-o,--output", request.output,
                 "Write this PNG; number several images out-1.png, out-2.png …")
      ->type_name("FILE");
  app.add_option("--base", request.base,
                 "Draw with this diffusers folder or SDXL checkpoint; default: the miniature")
      ->type_name("FILE");
  app.add_option("--negative-prompt", request.negative_prompt, "Guide away from this prompt");
  app.add_option("--seed", request.seed, "Seed the first image; each further image adds 1");
  app.add_option("-n,--images", request.images, "Draw this many images per prompt");
  app.add_option("--style-strength", request.style_strength,
                 "Multiply the style side of merged files by this, the paper's w_s");
}

void add_strategy_flags(CLI::App& app, GenerateRequest& request) {
  const OptionTable& table = strategy_option_table();
  app.add_option("--strategy", request.strategy,
                 table_help("Combine several adapters in this way while the image is drawn", table))
      ->type_name("NAME");
  add_table_flags(app, table, request.strategy_options);
}

void add_noise_and_grid_flags(CLI::App& app, GenerateTexts& texts, GenerateRequest& request) {
  app.add_option(
         "--initial-noise", texts.initial_noise,
         "Start from the tensor `latents` [N, C, h, w] of this safetensors file, noise of unit variance "
         "with one row per image; FILE:ROW takes one row")
      ->type_name("FILE[:ROW]");
  app.add_flag("--show", texts.show,
               "Draw the result in the terminal, too: in Kitty, iTerm2, WezTerm and those with Sixel");
  app.add_option("--preview-every", request.sampling.preview_every,
                 "With --json, show how far each image is as an event every so many steps; 0: never");
  app.add_option("--save-latents", request.save_latents, "Write the final latents to this safetensors file")
      ->type_name("FILE");
  app.add_flag("--grid", request.grid, "Draw one labelled sheet: prompts and seeds down, adapters across");
  repeatable(
      app.add_option("--column", texts.columns,
                     "Add a column to the grid: none, or FILE[:STRENGTH] joined by +; repeat for several"))
      ->type_name("[LABEL=]ADAPTERS");
  repeatable(app.add_option(
                 "--image-column", texts.image_columns,
                 "Add a column of existing images to the grid, one per row or per prompt; nothing between "
                 "two commas leaves a cell blank; repeat for several"))
      ->type_name("LABEL=FILE[,FILE…]");
  app.add_option("--like", texts.like, "Repeat this image that ziplora made; flags win over its settings")
      ->type_name("FILE")
      ->group(kFrameGroup);
}

}  // namespace

Verb generate_command(CLI::App& app) {
  auto texts = std::make_shared<GenerateTexts>();
  auto request = std::make_shared<GenerateRequest>();
  add_image_flags(app, *texts, *request);
  add_sampling_flags(app, request->sampling, request->policy, texts->device);
  add_strategy_flags(app, *request);
  add_noise_and_grid_flags(app, *texts, *request);
  app.footer(example(
      "ziplora generate \"a ghost next to a tree\" --adapter ghost-in-ink.safetensors:0.9 -o ghost.png"));
  return {[texts, request](CommandContext& context) { run(*texts, *request, context); },
          [texts] { return settings_of_image(texts->like); }};
}

}  // namespace ziplora::cli
