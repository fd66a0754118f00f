#include "studio/call.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <memory>

#include "studio/refusal.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/free_space.h"
#include "ziplora/base/open_input.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace {

constexpr uint64_t kDrained = uint64_t{8} << 20;
constexpr size_t kHead = 64;

/// RFC 5987: a name of any characters.
std::string percent_encoded(const std::string& name) {
  std::string text;
  for (const unsigned char byte : name)
    text +=
        std::isalnum(byte) || std::string_view("-_.").find(static_cast<char>(byte)) != std::string_view::npos
            ? std::string(1, static_cast<char>(byte))
            : fmt::format("%{:02X}", byte);
  return text;
}

}  // namespace

int64_t Call::id() const {
  if (const auto number = parse_number<int64_t>(parameter)) return *number;
  throw no_such("thing", parameter);
}

std::optional<std::string> Call::query(const std::string& name) const {
  if (!request_.has_param(name)) return std::nullopt;
  return request_.get_param_value(name);
}

std::optional<int64_t> Call::query_number(const std::string& name) const {
  const auto text = query(name);
  if (!text) return std::nullopt;
  if (const auto number = parse_number<int64_t>(*text)) return number;
  throw Refusal(400, "usage", "query: " + name, "'" + *text + "' is no whole number",
                "for example " + name + "=10");
}

bool Call::read_body(const httplib::ContentReceiver& take) const {
  return content_ && (*content_)([&](const char* bytes, size_t size) {
           received_ += size;
           return take(bytes, size);
         });
}

nlohmann::json Call::body() const {
  std::string text;
  bool is_too_long = false;
  read_body([&](const char* bytes, size_t size) {
    is_too_long = is_too_long || text.size() + size > kLargestJsonBody;
    if (!is_too_long) text.append(bytes, size);
    return !is_too_long;
  });
  if (is_too_long)
    throw Refusal(413, "usage", "body", fmt::format("more than {} bytes of JSON", kLargestJsonBody),
                  "send less");
  auto json = parse_json(text);
  if (!json || !json->is_object())
    throw Refusal(400, "usage", "body", "this is no JSON object",
                  "see studio/openapi.json for what belongs here");
  return std::move(*json);
}

void Call::save_body(const std::filesystem::path& file, uint64_t limit,
                     const std::function<void(std::string_view head)>& refuse_start) const {
  const auto announced = parse_number<uint64_t>(header("Content-Length"));
  const Refusal too_large(
      413, "usage", "upload", fmt::format("the file has more than {} bytes", limit),
      "start the studio with a larger limit, or put the file into a folder and name that");
  if (announced && *announced > limit) throw too_large;
  if (announced) require_space_for(file, *announced);
  AtomicFile output(file);
  std::exception_ptr failure;
  std::string head;
  const bool is_whole = read_body([&](const char* bytes, size_t size) {
    try {
      if (received_ > limit) throw too_large;
      const size_t missing = kHead - std::min(kHead, head.size());
      if (missing > 0 && size > 0) {
        head.append(bytes, std::min(size, missing));
        if (head.size() == kHead || announced.value_or(kHead) == head.size()) refuse_start(head);
      }
      output.write(bytes, size);
      return true;
    } catch (...) {  // not through the HTTP library
      failure = std::current_exception();
      return false;
    }
  });
  if (failure) std::rethrow_exception(failure);
  if (!is_whole || (announced && received_ != *announced))
    throw Refusal(400, "input", "upload", "the file did not arrive whole", "send it again");
  if (head.size() < kHead) refuse_start(head);
  output.commit();
}

void Call::drain() const {
  const auto announced = parse_number<uint64_t>(header("Content-Length"));
  if (!announced || received_ >= *announced) return;
  const uint64_t wanted = std::min(*announced, received_ + kDrained);
  read_body([&](const char*, size_t) { return received_ < wanted; });
}

void Call::answer(const nlohmann::json& json, int status) {
  response_.status = status;
  answer_text(json_line(json), "application/json");
}

void Call::answer_text(std::string text, const std::string& type) {
  // Of a known length, so that the library does not compress it: brotli at its best takes a second for the page.
  const auto whole = std::make_shared<const std::string>(std::move(text));
  response_.set_content_provider(
      whole->size(), type, [whole](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(whole->data() + offset, std::min(length, whole->size() - offset));
      });
}

void Call::answer_refusal(int status, const nlohmann::json& body) {
  response_.status = status;
  response_.set_content(json_line(body), "application/json");  // in the body: the error handler looks there
}

void Call::answer_file(const std::filesystem::path& file, const std::string& type,
                       const std::string& download) {
  std::shared_ptr<InputFile> input;
  try {
    input = std::make_shared<InputFile>(open_input(file));
  } catch (const Error& error) {
    throw Refusal(410, "gone", error.where(), error.problem(), error.hint());
  }
  if (!download.empty())
    response_.set_header("Content-Disposition", "attachment; filename*=UTF-8''" + percent_encoded(download));
  response_.set_content_provider(
      input->size_bytes(), type, [input](size_t offset, size_t length, httplib::DataSink& sink) {
        std::array<char, 1 << 16> block;
        const ssize_t got = ::pread(input->descriptor(), block.data(), std::min(length, block.size()),
                                    static_cast<off_t>(offset));
        return got > 0 && sink.write(block.data(), static_cast<size_t>(got));
      });
}

}  // namespace ziplora::studio
