#pragma once
/// What an adapter is to a merge: the subject, the style, or a further adapter.
///
///     Role role = parse_role("style", "recipe.json: steps[0].inputs[1]");
///     std::string name = name_of(role);   // "style", as flags, recipes and metadata spell it

#include <string>

namespace ziplora {

enum class Role { kSubject, kStyle, kAdapter };

const char* name_of(Role role);

/// @param where  opens the error message
/// @throws Error(kUsage) that proposes the nearest name
Role parse_role(const std::string& name, const std::string& where);

}  // namespace ziplora
