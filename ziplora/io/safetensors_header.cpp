#include "ziplora/io/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/io/safetensors_dtype.h"

namespace ziplora {
namespace {

constexpr const char* kHint =
    "the file is damaged or was written by a faulty tool: download or export it again";

/// What one entry of the header says, unchecked.
struct Entry {
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape, data_offsets;
};

/// Receives the JSON as events, because a DOM would silently keep the last of two equal keys. The states follow
/// the nesting: file { entry { field [ numbers ] } }. Values of unknown fields are skipped, as in the reference.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderEvents(std::string where) : where_(std::move(where)) {}

  std::map<std::string, Entry> entries;
  StringMap metadata;

  bool null() override {
    if (place_ == Place::kFile && key_ == "__metadata__") return true;
    return other_value("null");
  }
  bool boolean(bool) override { return other_value("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return other_value(fmt::format("the negative number {}", value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return other_value("the number " + text);
  }
  bool binary(binary_t&) override { return other_value("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::kNumbers) return other_value(fmt::format("the number {}", value));
    numbers_->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      metadata[key_] = std::move(value);
    } else if (place_ == Place::kEntry && key_ == "dtype") {
      entry_->dtype = std::move(value);
    } else {
      return other_value("a string");
    }
    return true;
  }

  bool key(string_t& value) override {
    key_ = std::move(value);
    if (place_ == Place::kFile) {
      if (key_ == "__metadata__") {
        if (metadata_seen_) refuse("\"__metadata__\" is given twice");
        metadata_seen_ = true;
      } else {
        tensor_ = key_;
        const auto [it, added] = entries.try_emplace(key_);
        if (!added) refuse(fmt::format("the tensor name \"{}\" is given twice", key_));
        entry_ = &it->second;
      }
    } else if (place_ == Place::kEntry) {
      const bool twice = (key_ == "dtype" && entry_->dtype) || (key_ == "shape" && entry_->shape) ||
                         (key_ == "data_offsets" && entry_->data_offsets);
      if (twice) refuse(fmt::format("tensor \"{}\": the field \"{}\" is given twice", tensor_, key_));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::kBefore) {
      place_ = Place::kFile;
    } else if (place_ == Place::kFile) {
      place_ = key_ == "__metadata__" ? Place::kMetadata : Place::kEntry;
    } else {
      return open_other("an object");
    }
    return true;
  }

  bool end_object() override {
    switch (place_) {
      case Place::kSkipped:
        return close_other();
      case Place::kMetadata:
      case Place::kEntry:
        place_ = Place::kFile;
        break;
      default:
        place_ = Place::kAfter;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kEntry && (key_ == "shape" || key_ == "data_offsets")) {
      numbers_ = &(key_ == "shape" ? entry_->shape : entry_->data_offsets).emplace();
      place_ = Place::kNumbers;
      return true;
    }
    return open_other("an array");
  }

  bool end_array() override {
    if (place_ == Place::kSkipped) return close_other();
    place_ = Place::kEntry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string text = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 9: …": people need what follows ": ".
    if (const size_t colon = text.find(": "); colon != std::string::npos) text = text.substr(colon + 2);
    refuse(fmt::format("the header is not valid JSON at its byte {}: {}", position, text));
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Error(ErrorKind::kInput, where_, problem, kHint);
  }

 private:
  enum class Place { kBefore, kFile, kMetadata, kEntry, kNumbers, kSkipped, kAfter };
  static constexpr int kDepthLimit = 128;  // the reference's JSON library stops here too

  /// A value that is not part of a tensor's fields: fine inside unknown fields, refused where another is due.
  bool other_value(const std::string& found) {
    switch (place_) {
      case Place::kSkipped:
        return true;
      case Place::kBefore:
        refuse(fmt::format("the header is {}, expected a JSON object", found));
      case Place::kFile:
        if (key_ == "__metadata__")
          refuse(fmt::format("\"__metadata__\" is {}, expected an object of strings", found));
        refuse(fmt::format("tensor \"{}\" is {}, expected an object with dtype, shape and data_offsets", key_,
                           found));
      case Place::kMetadata:
        refuse(fmt::format("the metadata value of \"{}\" is {}, expected a string", key_, found));
      case Place::kNumbers:
        refuse(
            fmt::format("tensor \"{}\": {} holds {}, expected whole numbers from 0", tensor_, key_, found));
      default:
        if (key_ == "dtype" || key_ == "shape" || key_ == "data_offsets")
          refuse(fmt::format("tensor \"{}\": {} is {}, expected {}", tensor_, key_, found,
                             key_ == "dtype" ? "a string" : "an array of numbers"));
        return true;  // an unknown field
    }
  }

  bool open_other(const std::string& found) {
    if (place_ != Place::kSkipped) {
      other_value(found);
      before_skipping_ = place_;
      place_ = Place::kSkipped;
      depth_ = 0;
    }
    if (++depth_ > kDepthLimit) refuse(fmt::format("the header nests deeper than {} levels", kDepthLimit));
    return true;
  }

  bool close_other() {
    if (--depth_ == 0) place_ = before_skipping_;
    return true;
  }

  std::string where_, key_, tensor_;
  Entry* entry_ = nullptr;
  std::vector<uint64_t>* numbers_ = nullptr;
  Place place_ = Place::kBefore, before_skipping_ = Place::kBefore;
  int depth_ = 0;
  bool metadata_seen_ = false;
};

/// Checks shape, dtype and byte range of one entry, each by itself and against the others.
TensorInfo checked_info(const std::string& name, const Entry& entry, const HeaderEvents& events) {
  const auto refuse = [&](const std::string& problem) {
    events.refuse(fmt::format("tensor \"{}\": {}", name, problem));
  };
  if (!entry.dtype) refuse("the field \"dtype\" is missing");
  if (!entry.shape) refuse("the field \"shape\" is missing");
  if (!entry.data_offsets) refuse("the field \"data_offsets\" is missing");
  const SafetensorsDtype* dtype = find_safetensors_dtype(*entry.dtype);
  if (dtype == nullptr)
    refuse(fmt::format("unknown dtype \"{}\", expected one of {}", *entry.dtype, safetensors_dtype_names()));
  if (entry.data_offsets->size() != 2)
    refuse(fmt::format("data_offsets has {} numbers, expected begin and end", entry.data_offsets->size()));

  TensorInfo info{*entry.dtype, {}, (*entry.data_offsets)[0], (*entry.data_offsets)[1]};
  uint64_t bits = static_cast<uint64_t>(dtype->bits), stride_product = 1;
  for (uint64_t size : *entry.shape) {
    // For strides torch also multiplies the sizes around a 0, so these must fit as well.
    if (__builtin_mul_overflow(bits, size, &bits) ||
        __builtin_mul_overflow(stride_product, std::max<uint64_t>(size, 1), &stride_product) ||
        stride_product > static_cast<uint64_t>(INT64_MAX))
      refuse(fmt::format("the shape [{}] is larger than any memory", fmt::join(*entry.shape, ", ")));
    info.shape.push_back(static_cast<int64_t>(size));
  }
  if (bits % 8 != 0)
    refuse(fmt::format("{} elements of {} bits do not fill whole bytes",
                       bits / static_cast<uint64_t>(dtype->bits), dtype->bits));
  if (info.end < info.begin)
    refuse(fmt::format("its data ends (byte {}) before it begins ({})", info.end, info.begin));
  if (info.end - info.begin != bits / 8)
    refuse(fmt::format("{} of shape [{}] takes {} bytes, data_offsets give it {}", info.dtype,
                       fmt::join(*entry.shape, ", "), bits / 8, info.end - info.begin));
  return info;
}

/// The tensors must fill the data section up to the file's last byte, without hole or overlap.
void check_coverage(const std::map<std::string, TensorInfo>& tensors, uint64_t data_size_bytes,
                    const std::string& where) {
  std::vector<const std::pair<const std::string, TensorInfo>*> order;
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t filled = 0;
  for (const auto* tensor : order) {
    const TensorInfo& info = tensor->second;
    if (info.begin != filled)
      throw Error(
          ErrorKind::kInput, where,
          fmt::format("tensor \"{}\" begins at data byte {}, expected {}: {}", tensor->first, info.begin,
                      filled,
                      info.begin > filled ? "there is a hole before it" : "it overlaps another tensor"),
          kHint);
    filled = info.end;
  }
  if (filled > data_size_bytes)
    throw Error(
        ErrorKind::kInput, where,
        fmt::format("the file is cut short: the header promises {} bytes of data, the file holds {} ({} are "
                    "missing)",
                    filled, data_size_bytes, filled - data_size_bytes),
        "probably an incomplete download or copy: fetch the file again");
  if (filled < data_size_bytes)
    throw Error(
        ErrorKind::kInput, where,
        fmt::format("{} surplus bytes follow the last tensor: the header accounts for {} bytes of data, the "
                    "file holds {}",
                    data_size_bytes - filled, filled, data_size_bytes),
        kHint);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_size_bytes,
                                           const std::string& where) {
  HeaderEvents events(where);
  // The JSON library ends at a NUL and skips a byte order mark; the reference refuses both.
  if (const size_t nul = json.find('\0'); nul != std::string_view::npos)
    events.refuse(fmt::format("the header holds a NUL at its byte {}; only spaces may pad it", nul));
  if (json.starts_with("\xEF\xBB\xBF")) events.refuse("the header starts with a byte order mark");
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) events.refuse("the header is empty");
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);

  SafetensorsHeader header;
  header.metadata = std::move(events.metadata);
  for (const auto& [name, entry] : events.entries)
    header.tensors.emplace(name, checked_info(name, entry, events));
  check_coverage(header.tensors, data_size_bytes, where);
  return header;
}

std::string build_safetensors_header(const std::vector<std::pair<std::string, TensorInfo>>& tensors,
                                     const StringMap& metadata, const std::string& where) {
  std::string json = "{";
  try {
    if (!metadata.empty()) json += "\"__metadata__\":" + nlohmann::json(metadata).dump();
    for (const auto& [name, info] : tensors) {
      if (name == "__metadata__")
        throw Error(ErrorKind::kInput, where, "a tensor is named \"__metadata__\", which the format reserves",
                    "give the tensor another name");
      json += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                          json.size() > 1 ? "," : "", nlohmann::json(name).dump(), info.dtype,
                          fmt::join(info.shape, ","), info.begin, info.end);
    }
  } catch (const nlohmann::json::type_error&) {
    throw Error(ErrorKind::kInput, where, "a tensor name or a metadata value is not valid UTF-8",
                "convert the text to UTF-8");
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kSafetensorsHeaderLimitBytes)
    throw Error(ErrorKind::kInput, where,
                fmt::format("the header would take {} bytes, the format allows {}", json.size(),
                            kSafetensorsHeaderLimitBytes),
                "shorten the metadata");
  return json;
}

}  // namespace ziplora
