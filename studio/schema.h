#pragma once
/// The tables of the studio's database, as steps: each brings it from one version to the next, and stays as it is once
/// it was released.

#include <string>
#include <vector>

namespace ziplora::studio {

const std::vector<std::string>& schema_steps();

}  // namespace ziplora::studio
