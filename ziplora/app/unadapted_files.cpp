#include "ziplora/app/unadapted_files.h"

#include <set>
#include <string>
#include <vector>

#include "ziplora/app/output_guard.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_shard_index(const fs::path& file) {
  return file.filename().string().find(".safetensors.index") != std::string::npos;
}

/// Weights in any format, and the indices of their shards.
bool is_weights(const fs::path& file) {
  static const std::set<std::string> kExtensions{".safetensors", ".bin",     ".ckpt", ".pt",  ".pth",
                                                 ".onnx",        ".msgpack", ".h5",   ".gguf"};
  return kExtensions.count(file.extension().string()) != 0 || is_shard_index(file);
}

/// Where a base's links may lead: to the base itself, and to the folder in which the file behind its
/// model_index.json lies. That is the store of a hub's snapshot, all of whose files are links. A link to anywhere
/// else would put a file of the user's, unseen, into a folder that is made to be passed on.
class Border {
 public:
  explicit Border(const fs::path& base)
      : base_(fs::canonical(base)), store_(fs::canonical(base / "model_index.json").parent_path()) {}

  /// @throws Error(kInput) if the file behind the path is neither in the base nor in its store
  void require_inside(const fs::path& path) const {
    const fs::path file = fs::canonical(path);
    if (lies_in(file, base_) || lies_in(file, store_)) return;
    throw Error(ErrorKind::kInput, "read " + path.string(),
                "a link that leads out of the base, to " + file.string() + ", is not copied",
                "put a copy of the file in the link's place if it belongs to the base");
  }

 private:
  fs::path base_, store_;
};

/// As std::filesystem::copy_file, but a full disk is an error of its own kind.
void copy(const fs::path& from, const fs::path& to, const Border& border, const CancelToken& cancel) {
  border.require_inside(from);
  const InputFile input = open_input(from);
  AtomicFile output(to);
  std::vector<char> block(size_t{1} << 20);
  while (const size_t got = input.read(block.data(), block.size())) {
    cancel.throw_if_cancelled("bake");
    output.write(block.data(), got);
  }
  output.commit();
}

/// The name of a folder right below, not a way out: anybody can write an index.
bool is_plain_name(const fs::path& path) {
  return path.has_filename() && path.filename() == path && path != "." && path != "..";
}

void copy_top_level_texts(const fs::path& base, const AtomicFolder& output, const Border& border,
                          const CancelToken& cancel) {
  for (const fs::directory_entry& entry : fs::directory_iterator(base))
    if (entry.is_regular_file() && !is_weights(entry.path()))
      copy(entry.path(), output / entry.path().filename(), border, cancel);
}

void copy_component(const fs::path& base, const std::string& component, bool with_weights,
                    const AtomicFolder& output, const Border& border, const CancelToken& cancel) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(base / component)) {
    if (!entry.is_regular_file() || (!with_weights && is_weights(entry.path()))) continue;
    // Not fs::relative, which follows links: a hub's snapshot is a folder of links to files elsewhere.
    const fs::path target = output / entry.path().lexically_relative(base);
    fs::create_directories(target.parent_path());
    copy(entry.path(), target, border, cancel);
  }
}

bool index_names(const fs::path& index, const std::string& shard) {
  const json content = read_json_file(index);
  const json shard_of = content.is_object() ? content.value("weight_map", json::object()) : json();
  for (const auto& [tensor, name] : shard_of.items())
    if (name == shard) return true;
  return false;
}

/// Baked shards keep their names, so the index that lists them stays true. Others belong to stale versions.
void copy_shard_indices(const BaseFile& file, const AtomicFolder& output, const Border& border,
                        const CancelToken& cancel) {
  fs::create_directories(output / file.component);
  for (const fs::directory_entry& entry : fs::directory_iterator(file.path.parent_path())) {
    const fs::path target = output / file.component / entry.path().filename();
    if (is_shard_index(entry.path()) && !fs::exists(target) &&
        index_names(entry.path(), file.path.filename().string()))
      copy(entry.path(), target, border, cancel);
  }
}

}  // namespace

void copy_unadapted_files(const BaseFiles& base, const AtomicFolder& output, const CancelToken& cancel) {
  const Border border(base.path());
  copy_top_level_texts(base.path(), output, border, cancel);
  std::set<std::string> adapted;
  for (const BaseFile& file : base.files()) adapted.insert(file.component);
  const json index = read_json_file(base.path() / "model_index.json");
  for (const auto& [component, unused] : index.items())
    if (is_plain_name(component) && fs::is_directory(base.path() / component))
      copy_component(base.path(), component, /*with_weights=*/!adapted.count(component), output, border,
                     cancel);
  for (const BaseFile& file : base.files()) copy_shard_indices(file, output, border, cancel);
}

}  // namespace ziplora
