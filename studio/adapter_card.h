#pragma once
/// What a page shows of a LoRA file at a glance.

#include <nlohmann/json.hpp>

namespace ziplora::studio {

/// @param row  of the table `adapters`
nlohmann::json adapter_card(const nlohmann::json& row);

/// The picture that lies beside a LoRA file, under the names that other programs give it; empty: there is none.
std::string preview_beside(const std::string& adapter_path, const std::string& folder);

}  // namespace ziplora::studio
