#include "ziplora/lora/role.h"

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

constexpr Role kRoles[] = {Role::kSubject, Role::kStyle, Role::kAdapter};

}  // namespace

const char* name_of(Role role) {
  switch (role) {
    case Role::kSubject:
      return "subject";
    case Role::kStyle:
      return "style";
    case Role::kAdapter:
      return "adapter";
  }
  return "";
}

Role parse_role(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const Role role : kRoles) {
    if (name == name_of(role)) return role;
    names.emplace_back(name_of(role));
  }
  throw unknown_name(where, name, names);
}

}  // namespace ziplora
