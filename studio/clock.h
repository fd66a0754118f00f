#pragma once
/// Times as the API and the database have them: UTC, ISO 8601, to the millisecond, so that texts sort as times do.
///
///     utc_now()   // "2026-11-30T16:00:00.000Z"

#include <string>

namespace ziplora::studio {

std::string utc_now();

}  // namespace ziplora::studio
