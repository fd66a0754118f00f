#include "mini/world/svg_renderer.h"

#include <ATen/ops/empty.h>
#include <cairo.h>
#include <fmt/format.h>
#include <librsvg/rsvg.h>

#include <memory>

#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Handle = std::unique_ptr<RsvgHandle, Release<g_object_unref>>;
using Surface = std::unique_ptr<cairo_surface_t, Release<cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Release<cairo_destroy>>;
using GlibError = std::unique_ptr<GError, Release<g_error_free>>;

[[noreturn]] void refuse(GError* error) {
  GlibError owned(error);
  throw Error(ErrorKind::kInput, "world: render SVG", owned ? owned->message : "unknown error of librsvg",
              "install the drawings' packages again: mini/tools/world_packages.sh");
}

}  // namespace

at::Tensor render_svg(std::string_view svg, int size) {
  GError* error = nullptr;
  Handle handle(rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(), &error));
  if (!handle) refuse(error);
  int large = 2 * size;
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, large, large));
  Context context(cairo_create(surface.get()));
  RsvgRectangle viewport{0, 0, static_cast<double>(large), static_cast<double>(large)};
  if (!rsvg_handle_render_document(handle.get(), context.get(), &viewport, &error)) refuse(error);
  cairo_surface_flush(surface.get());
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) {
    throw Error(ErrorKind::kExhausted, "world: render SVG",
                fmt::format("cairo: {} ({} x {} pixels)",
                            cairo_status_to_string(cairo_surface_status(surface.get())), large, large),
                "render at a smaller size");
  }

  // cairo: one native-endian 32-bit word a pixel, 0xAARRGGBB, premultiplied.
  const unsigned char* pixels = cairo_image_surface_get_data(surface.get());
  int stride = cairo_image_surface_get_stride(surface.get());
  at::Tensor image = at::empty({4, size, size}, at::kFloat);
  float* out = image.mutable_data_ptr<float>();
  constexpr int kShift[4] = {16, 8, 0, 24};
  for (int channel = 0; channel < 4; ++channel) {
    for (int y = 0; y < size; ++y) {
      const auto* top = reinterpret_cast<const uint32_t*>(pixels + static_cast<ptrdiff_t>(2 * y) * stride);
      const auto* bottom =
          reinterpret_cast<const uint32_t*>(pixels + static_cast<ptrdiff_t>(2 * y + 1) * stride);
      for (int x = 0; x < size; ++x) {
        auto value = [&](uint32_t word) { return static_cast<float>((word >> kShift[channel]) & 255u); };
        float sum =
            value(top[2 * x]) + value(top[2 * x + 1]) + value(bottom[2 * x]) + value(bottom[2 * x + 1]);
        *out++ = sum / (4.0f * 255.0f);
      }
    }
  }
  return image;
}

}  // namespace ziplora::mini
