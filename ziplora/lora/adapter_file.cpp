#include "ziplora/lora/adapter_file.h"

#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/lora/foreign_files.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/peft_config.h"

namespace ziplora {
namespace {

/// Keys that LoRA files carry beside the LoRA, and why they are left out.
struct Extra {
  const char* part;
  const char* warning;
};
constexpr Extra kExtras[] = {
    {"bundle_emb.", "bundled textual-inversion tensors are left out: they are not part of the LoRA"},
    {"text_projection", "the text_projection layer is left out: writers disagree on its orientation"},
};

/// One safetensors file of an adapter; a PEFT directory has one a component.
struct Piece {
  SafetensorsFile file;
  std::string component;  ///< of PEFT's un-prefixed names; empty: the keys say it
  std::unique_ptr<PeftConfig> config;
};

struct Collected {
  LoraLayer layer;
  std::string module_spelling;  ///< the first key met, for messages
  const TargetName* target;
};

nlohmann::json parse_json(const std::string& text, const std::string& where) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, where, fmt::format("not valid JSON: {}", error.what()));
  }
}

std::string component_of_peft_file(const std::filesystem::path& folder, const SafetensorsFile& file,
                                   const TargetNames& names) {
  if (folder.filename() == "unet" || folder.filename() == "text_encoder" ||
      folder.filename() == "text_encoder_2")
    return folder.filename().string();
  for (const auto& [key, info] : file.tensors()) {
    if (key.find("q_proj.lora_A") == std::string::npos || info.shape.size() != 2) continue;
    return info.shape[1] == names.text_encoder.hidden_size ? "text_encoder" : "text_encoder_2";
  }
  return "unet";
}

Piece peft_piece(const std::filesystem::path& folder, const TargetNames& names) {
  const std::filesystem::path weights = folder / "adapter_model.safetensors";
  if (!std::filesystem::exists(weights))
    throw Error(ErrorKind::kInput, "read " + folder.string(),
                std::filesystem::exists(folder / "adapter_model.bin")
                    ? "adapter_model.bin is a pickle, which can run code when it is opened"
                    : "adapter_model.safetensors is missing",
                "save the adapter again with save_pretrained(…, safe_serialization=True)");
  Piece piece{SafetensorsFile(weights), "", nullptr};
  piece.component = component_of_peft_file(folder, piece.file, names);
  const std::filesystem::path config = folder / "adapter_config.json";
  piece.config =
      std::make_unique<PeftConfig>(parse_json(read_file(config), config.string()), config.string());
  return piece;
}

std::vector<Piece> open_pieces(const std::filesystem::path& path, const TargetNames& names) {
  std::vector<Piece> pieces;
  if (!std::filesystem::is_directory(path)) {
    pieces.push_back({SafetensorsFile(path), "", nullptr});
    // PEFT's own file, pointed at by hand: its scale stands in the config beside it.
    const std::filesystem::path folder = path.parent_path();
    if (path.filename() == "adapter_model.safetensors" &&
        std::filesystem::exists(folder / "adapter_config.json"))
      pieces[0] = peft_piece(folder, names);
    return pieces;
  }
  for (const std::filesystem::path& folder :
       {path, path / "unet", path / "text_encoder", path / "text_encoder_2"})
    if (std::filesystem::exists(folder / "adapter_config.json")) pieces.push_back(peft_piece(folder, names));
  if (pieces.empty() && std::filesystem::exists(path / "pytorch_lora_weights.safetensors"))
    pieces.push_back({SafetensorsFile(path / "pytorch_lora_weights.safetensors"), "", nullptr});
  if (pieces.empty())
    throw Error(
        ErrorKind::kInput, "read " + path.string(),
        "the folder has no adapter_config.json (PEFT), nor one in unet/, text_encoder/, text_encoder_2/",
        "give a .safetensors file, or the folder that save_pretrained wrote");
  return pieces;
}

/// "base_model.model.X" → "unet.base_model.model.X"
std::string with_component(const std::string& key, const Piece& piece) {
  return !piece.component.empty() && key.starts_with("base_model.") ? piece.component + "." + key : key;
}

std::optional<ParsedKey> parse_key(const std::string& key, const TargetNames& names) {
  for (const KeyDialect& dialect : key_dialects())
    if (auto parsed = dialect.parse(key, names)) return parsed;
  return std::nullopt;
}

class Reader {
 public:
  Reader(const std::filesystem::path& path, const TargetNames& names, std::vector<std::string>& warnings)
      : names_(names), warnings_(warnings), where_("read " + path.string()) {
    adapter_.source = path;
  }

  void add(const Piece& piece) {
    for (const auto& [key, value] : piece.file.metadata()) adapter_.metadata.emplace(key, value);
    refuse_other_families(piece);
    for (const auto& [key, info] : piece.file.tensors()) add_tensor(piece, key);
    refuse_unknown(piece);
  }

  Adapter finish(const std::vector<Piece>& pieces) {
    if (collected_.empty()) refuse_no_lora(pieces);
    require_whole_layers();
    for (const Piece& piece : pieces) read_scales(piece);
    require_shapes(pieces);
    int64_t without_alpha = 0;
    for (auto& [canonical, item] : collected_) {
      without_alpha += !item.layer.lora_alpha;
      adapter_.layers[canonical] = std::move(item.layer);
    }
    if (without_alpha > 0)
      warn(fmt::format("no alpha for {} of {} layers: scale 1 is assumed there", without_alpha,
                       collected_.size()));
    if (families_.size() > 1) families_.erase("kohya");
    adapter_.family = fmt::format("{}", fmt::join(families_, "+"));
    return std::move(adapter_);
  }

 private:
  void warn(const std::string& text) {
    warnings_.push_back(adapter_.source.filename().string() + ": " + text);
  }

  void refuse_other_families(const Piece& piece) {
    for (const auto& [key, info] : piece.file.tensors())
      if (const auto family = unsupported_family(key))
        throw Error(
            ErrorKind::kIncompatible, where_,
            fmt::format(
                "the file is of the family {} (key {}), which cannot be read yet; plain LoRA and LoCon "
                "can",
                *family, key),
            "extract a plain LoRA from it with the tool that made it");
  }

  void add_tensor(const Piece& piece, const std::string& key) {
    for (const Extra& extra : kExtras)
      if (key.find(extra.part) != std::string::npos) {
        if (said_.insert(extra.part).second) warn(extra.warning);
        return;
      }
    const auto parsed = parse_key(with_component(key, piece), names_);
    if (!parsed) return unreadable_.push_back(key);
    if (parsed->target == nullptr) return unknown_.push_back(key);
    families_.insert(parsed->family);
    Collected& item = collected_[parsed->target->canonical];
    item.target = parsed->target;
    if (item.module_spelling.empty()) item.module_spelling = key;
    const at::Tensor tensor = piece.file.tensor(key);
    const bool float_like = at::isFloatingType(tensor.scalar_type()) && tensor.element_size() >= 2;
    const at::Tensor value = float_like ? tensor : tensor.to(at::kFloat);
    if (!at::isfinite(value).all().item<bool>())
      throw Error(ErrorKind::kInput, where_,
                  fmt::format("{} holds NaN or Inf; {} is broken", key, parsed->target->canonical),
                  "the training that made it diverged, or the file was damaged: get another copy");
    switch (parsed->factor) {
      case Factor::kDown:
        return set_factor(item.layer.down, value, key);
      case Factor::kUp:
        return set_factor(item.layer.up, value, key);
      case Factor::kAlpha:
        return set_alpha(item.layer, value, key);
    }
  }

  void set_factor(at::Tensor& factor, const at::Tensor& value, const std::string& key) {
    if (factor.defined())
      throw Error(ErrorKind::kInput, where_, key + " gives a factor that another key has given already");
    if (value.dim() != 2 && value.dim() != 4)
      throw Error(ErrorKind::kInput, where_,
                  fmt::format("{} is [{}], a LoRA factor has 2 or 4 dimensions", key,
                              fmt::join(value.sizes(), ", ")));
    factor = value;
  }

  void set_alpha(LoraLayer& layer, const at::Tensor& value, const std::string& key) {
    if (value.numel() != 1)
      throw Error(ErrorKind::kInput, where_,
                  fmt::format("{} is [{}], an alpha is one number", key, fmt::join(value.sizes(), ", ")));
    layer.lora_alpha = value.item<double>();
  }

  void refuse_unknown(const Piece& piece) {
    if (unknown_.empty() && unreadable_.empty()) return;
    if (unknown_.empty() && collected_.empty()) return;  // not a LoRA at all: finish says so
    const std::vector<std::string>& keys = unknown_.empty() ? unreadable_ : unknown_;
    const std::string looks = guess_architecture(piece.file.tensors());
    if (unknown_.empty())
      throw Error(ErrorKind::kInput, where_,
                  fmt::format("{} of {} keys are of no known kind, first: {}", keys.size(),
                              piece.file.tensors().size(), keys.front()),
                  "the file mixes a LoRA with something else; save the LoRA alone");
    throw Error(ErrorKind::kIncompatible, where_,
                fmt::format("{} of {} keys name layers that this SDXL architecture lacks, first: {}{}",
                            keys.size(), piece.file.tensors().size(), keys.front(),
                            looks.empty() ? "" : ". The file looks like a LoRA for " + looks),
                "use a LoRA that was made for the base it goes on");
  }

  [[noreturn]] void refuse_no_lora(const std::vector<Piece>& pieces) {
    const auto& tensors = pieces.front().file.tensors();
    const std::string looks = guess_architecture(tensors);
    if (!looks.empty())
      throw Error(ErrorKind::kIncompatible, where_,
                  "the file looks like a LoRA for " + looks + ", not for SDXL",
                  "use a LoRA that was made for SDXL");
    throw Error(ErrorKind::kInput, where_,
                tensors.empty() ? "the file holds no tensors"
                                : fmt::format("not a LoRA: none of its {} keys is a LoRA factor, first: {}",
                                              tensors.size(), tensors.begin()->first),
                "a LoRA holds keys such as lora_unet_….lora_down.weight or unet.….lora_A.weight");
  }

  void require_whole_layers() {
    for (const auto& [canonical, item] : collected_) {
      const LoraLayer& layer = item.layer;
      if (layer.down.defined() && layer.up.defined()) continue;
      const char* missing = layer.down.defined() ? "up" : layer.up.defined() ? "down" : "down and up";
      throw Error(ErrorKind::kInput, where_,
                  fmt::format("{} lacks its {} factor (found {})", canonical, missing, item.module_spelling),
                  "the file is incomplete: get another copy");
    }
  }

  void read_scales(const Piece& piece) {
    std::map<std::string, PeftConfig> configs;
    const auto metadata = piece.file.metadata().find("lora_adapter_metadata");
    if (metadata != piece.file.metadata().end()) {
      const std::string where = where_ + ", lora_adapter_metadata";
      const nlohmann::json json = parse_json(metadata->second, where);
      for (const char* component : {"unet", "text_encoder", "text_encoder_2"}) {
        nlohmann::json fields = nlohmann::json::object();
        for (const auto& [key, value] : json.items())
          if (key.starts_with(std::string(component) + "."))
            fields[key.substr(std::string(component).size() + 1)] = value;
        if (!fields.empty()) configs.emplace(component, PeftConfig(fields, where));
      }
    }
    for (auto& [canonical, item] : collected_) {
      const TargetName& target = *item.target;
      const PeftConfig* config =
          piece.config && piece.component == target.component ? piece.config.get() : nullptr;
      if (const auto found = configs.find(target.component); found != configs.end()) config = &found->second;
      if (config && !item.layer.lora_alpha)
        item.layer.lora_alpha = config->lora_alpha(target.diffusers_path, item.layer.rank());
    }
  }

  /// Writers disagree on whether a linear layer's factor is [r, in] or [r, in, 1, 1]: brought to the layer's
  /// own form.
  static at::Tensor in_form_of(const at::Tensor& factor, const TargetName& target) {
    if (!target.is_convolution() && factor.dim() == 4 && factor.size(2) == 1 && factor.size(3) == 1)
      return factor.flatten(1);
    if (target.is_convolution() && factor.dim() == 2) return factor.unsqueeze(-1).unsqueeze(-1);
    return factor;
  }

  void require_shapes(const std::vector<Piece>& pieces) {
    for (auto& [canonical, item] : collected_) {
      LoraLayer& layer = item.layer;
      layer.down = in_form_of(layer.down, *item.target);
      layer.up = in_form_of(layer.up, *item.target);
      const int64_t rank = layer.rank();
      if (rank == 0 || layer.up.size(1) != rank)
        throw Error(ErrorKind::kInput, where_,
                    fmt::format("{} has down [{}] and up [{}]: the ranks differ or are 0", canonical,
                                fmt::join(layer.down.sizes(), ", "), fmt::join(layer.up.sizes(), ", ")),
                    "the file is damaged: get another copy");
      std::vector<int64_t> down = item.target->weight_shape, up{item.target->weight_shape[0], rank};
      down[0] = rank;
      if (item.target->is_convolution()) up.insert(up.end(), {1, 1});
      if (layer.down.sizes() == down && layer.up.sizes() == up) continue;
      const std::string looks = guess_architecture(pieces.front().file.tensors());
      throw Error(ErrorKind::kIncompatible, where_,
                  fmt::format("{} has down [{}] and up [{}], this SDXL architecture needs [{}] and [{}]{}",
                              canonical, fmt::join(layer.down.sizes(), ", "),
                              fmt::join(layer.up.sizes(), ", "), fmt::join(down, ", "), fmt::join(up, ", "),
                              looks.empty() ? "" : ". The file looks like a LoRA for " + looks),
                  "use a LoRA that was made for the base it goes on");
    }
  }

  const TargetNames& names_;
  std::vector<std::string>& warnings_;
  const std::string where_;
  Adapter adapter_;
  std::map<std::string, Collected> collected_;
  std::vector<std::string> unknown_, unreadable_;
  std::set<std::string> families_, said_;
};

}  // namespace

Adapter read_adapter(const std::filesystem::path& path, const TargetNames& names,
                     std::vector<std::string>& warnings) {
  const std::vector<Piece> pieces = open_pieces(path, names);
  Reader reader(path, names, warnings);
  for (const Piece& piece : pieces) reader.add(piece);
  return reader.finish(pieces);
}

void write_adapter(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                   const WriteOptions& options) {
  find_writable_dialect(options.format).write(path, adapter, names, options.dtype);
}

}  // namespace ziplora
