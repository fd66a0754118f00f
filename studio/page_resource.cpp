#include "studio/page.h"

// Laid down by page_resource.S.
extern "C" const char ziplora_studio_page[];
extern "C" const char ziplora_studio_page_end[];

namespace ziplora::studio {

std::string_view page_resource() {
  return {ziplora_studio_page, static_cast<size_t>(ziplora_studio_page_end - ziplora_studio_page)};
}

}  // namespace ziplora::studio
