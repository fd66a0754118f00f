#include "lora_lines.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "ziplora/io/safetensors_dtype.h"
#include "ziplora/io/safetensors_header.h"

namespace ziplora {
namespace {

constexpr size_t kTensorLimit = 64;
constexpr uint64_t kDataLimitBytes = 1 << 20;
constexpr unsigned char kSmallNumbers = 0x3C;  // 1.06 in half precision, 0.0115 in single

std::string_view take_until(std::string_view& text, char separator) {
  const size_t at = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// @return nothing if the sizes are not numbers, or too large together
std::optional<TensorInfo> parse_info(const SafetensorsDtype& dtype, std::string_view sizes, uint64_t begin) {
  TensorInfo info{std::string(dtype.name), {}, begin, begin};
  uint64_t bits = static_cast<uint64_t>(dtype.bits);
  while (!sizes.empty()) {
    const std::string_view text = take_until(sizes, 'x');
    uint16_t size = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), size).ec != std::errc{}) return std::nullopt;
    info.shape.push_back(size);
    bits *= size;
    if (bits > 8 * kDataLimitBytes) return std::nullopt;
  }
  info.end = begin + bits / 8;
  if (bits % 8 != 0 || info.end > kDataLimitBytes) return std::nullopt;
  return info;
}

}  // namespace

LoraLines parse_lora_lines(std::string_view text) {
  LoraLines lines;
  std::vector<std::pair<std::string, TensorInfo>> infos;
  std::set<std::string> seen;
  std::string data;
  while (!text.empty() && infos.size() < kTensorLimit) {
    std::string_view line = take_until(text, '\n');
    const std::string key(take_until(line, '\t'));
    const SafetensorsDtype* dtype = find_safetensors_dtype(take_until(line, '\t'));
    if (dtype == nullptr || key == "__metadata__" || !is_utf8(key) || !seen.insert(key).second) continue;
    const auto info = parse_info(*dtype, take_until(line, '\t'), data.size());
    if (!info) continue;
    unsigned char fill = kSmallNumbers;
    std::from_chars(line.data(), line.data() + line.size(), fill, 16);
    data.resize(info->end, static_cast<char>(fill));
    infos.emplace_back(key, *info);
    lines.keys.push_back(key);
  }
  const std::string header = build_safetensors_header(infos, {}, "fuzz");
  const uint64_t header_size = header.size();
  lines.file.assign(reinterpret_cast<const char*>(&header_size), sizeof header_size);
  lines.file += header + data;
  return lines;
}

}  // namespace ziplora
