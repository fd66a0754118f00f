#include "studio/call.h"
#include "studio/handlers.h"
#include "studio/image_settings.h"
#include "studio/refusal.h"
#include "studio/studio.h"
#include "studio/upload_limits.h"

namespace ziplora::studio {
namespace fs = std::filesystem;

void list_images(Studio& studio, Call& call) {
  const int64_t limit = std::clamp<int64_t>(call.query_number("limit").value_or(100), 1, 1000);
  call.answer(studio.gallery.images(call.query_number("before"), limit, call.query("origin").value_or("")));
}

void add_image(Studio& studio, Call& call) {
  const auto name = call.query("name");
  if (!name || name->empty())
    throw Refusal(400, "usage", "upload", "the image has no name", "add ?name=dog.png");
  const fs::path file = studio.gallery.new_place(*name);
  call.save_body(file, kLargestImage, [](std::string_view) {});
  call.answer(studio.gallery.image(studio.gallery.add_uploaded(file, *name)), 201);
}

void show_image(Studio& studio, Call& call) { call.answer(studio.gallery.image(call.id())); }

void delete_image(Studio& studio, Call& call) {
  studio.gallery.remove(call.id());
  call.answer_nothing();
}

void send_image(Studio& studio, Call& call) {
  call.answer_file(studio.gallery.file(call.id()), studio.gallery.type(call.id()), "");
}

void show_settings(Studio& studio, Call& call) {
  const nlohmann::json settings =
      image_settings(studio.program, studio.library, studio.gallery.file(call.id()));
  if (settings.is_null()) return call.answer_nothing();
  call.answer(settings);
}

}  // namespace ziplora::studio
