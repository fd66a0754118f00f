#include <algorithm>
#include <initializer_list>

#include "studio/call.h"
#include "studio/file_name.h"
#include "studio/gallery.h"
#include "studio/handlers.h"
#include "studio/refusal.h"
#include "studio/studio.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kLongestHeader = 100'000'000;  // as the reader has it

std::string required_name(const Call& call) {
  if (const auto name = call.query("name"); name && !name->empty()) return *name;
  throw Refusal(400, "usage", "upload", "the file has no name", "add ?name=dog.safetensors");
}

/// Before gigabytes arrive: eight bytes that give the header's length, then the header, which is JSON.
void refuse_unless_safetensors(const std::string& name, std::string_view head) {
  uint64_t length = 0;
  for (size_t i = 0; i < 8 && i < head.size(); ++i)
    length |= static_cast<uint64_t>(static_cast<unsigned char>(head[i])) << (8 * i);
  if (head.size() > 8 && length >= 2 && length <= kLongestHeader && head[8] == '{') return;
  if (head.starts_with("\x80") || head.starts_with("PK\x03\x04"))
    throw Refusal(422, "input", "upload " + name,
                  "this is a Python pickle, which can run code when it is read",
                  "convert it to safetensors first, with a program that you trust");
  throw Refusal(422, "input", "upload " + name, "this is no safetensors file, whatever its name says",
                "download it again: a broken download, or a web page in place of the file, looks like this");
}

/// What mends it depends on what the file is.
[[noreturn]] void refuse_ending(const std::string& name) {
  const std::string ending = extension_of(name), where = "upload " + name;
  const auto is_one_of = [&ending](std::initializer_list<const char*> all) {
    return std::ranges::find(all, ending) != all.end();
  };
  if (is_one_of({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}))
    throw Refusal(422, "input", where, "this is an image, and the library takes LoRA files (.safetensors)",
                  "drop it on the page Train to learn from it, or on Generate for its settings");
  if (is_one_of({".pt", ".pth", ".ckpt", ".bin", ".pkl"}))
    throw Refusal(422, "input", where,
                  "only .safetensors files are taken: a " + ending + " file can run code when it is read",
                  "convert it to safetensors first, with a program that you trust");
  throw Refusal(422, "input", where, "only LoRA files are taken, whose names end in .safetensors",
                ending == ".zip" ? "unpack it, and give the .safetensors file in it"
                                 : "choose the .safetensors file that was downloaded or trained");
}

/// @return a safe one, with this ending in lower case
std::string safetensors_name(const std::string& given) {
  const std::string ending = ".safetensors";
  if (given.size() >= ending.size() &&
      extension_of("x" + given.substr(given.size() - ending.size())) == ending)
    return safe_name(given.substr(0, given.size() - ending.size()), "lora") + ending;
  refuse_ending(safe_name(given, "lora"));
}

}  // namespace

void list_adapters(Studio& studio, Call& call) { call.answer({{"adapters", studio.library.cards()}}); }

void add_adapter(Studio& studio, Call& call) {
  const std::string name = safetensors_name(required_name(call));
  const fs::path place = studio.library.new_place(), file = place / name;
  try {
    call.save_body(file, studio.options.largest_upload_bytes,
                   [&](std::string_view head) { refuse_unless_safetensors(name, head); });
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(place, ignored);
    throw;
  }
  const int64_t id = studio.library.add(file, "uploaded", {});
  const nlohmann::json inspected = studio.library.wait_inspected(id);
  if (inspected.contains("error") && !inspected.at("error").is_null()) {
    studio.library.remove(id);
    const nlohmann::json error = inspected.at("error");
    throw Refusal(422, "input", "upload " + name, error.value("problem", ""), error.value("hint", ""));
  }
  call.answer(studio.library.card(id), 201);
}

void show_adapter(Studio& studio, Call& call) { call.answer(studio.library.card(call.id())); }

void delete_adapter(Studio& studio, Call& call) {
  studio.library.remove(call.id());
  call.answer_nothing();
}

void send_adapter(Studio& studio, Call& call) {
  const fs::path file = studio.library.file(call.id());
  call.answer_file(file, "application/octet-stream", file.filename().string());
}

void send_preview(Studio& studio, Call& call) {
  const fs::path image = studio.library.preview(call.id());
  const std::string type = image_type(image);
  if (type.empty()) throw no_such("preview of adapter", call.parameter);
  call.answer_file(image, type, "");
}

void show_inspected(Studio& studio, Call& call) { call.answer(studio.library.inspected(call.id())); }

void list_folders(Studio& studio, Call& call) { call.answer({{"folders", studio.library.folders()}}); }

void add_folder(Studio& studio, Call& call) {
  const nlohmann::json body = call.body();
  if (!body.value("path", nlohmann::json()).is_string())
    throw Refusal(400, "usage", "folder", "there is no path", "send {\"path\": \"/home/me/loras\"}");
  call.answer(studio.library.add_folder(body.at("path")), 201);
}

void delete_folder(Studio& studio, Call& call) {
  studio.library.remove_folder(call.id());
  call.answer_nothing();
}

void scan_folder(Studio& studio, Call& call) { call.answer(studio.library.scan(call.id())); }

}  // namespace ziplora::studio
