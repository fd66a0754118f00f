#include "ziplora/io/file_signs.h"

namespace ziplora {
namespace {

using namespace std::string_view_literals;

struct Sign {
  std::string_view magic, meaning;
  size_t at = 0;
};

constexpr std::string_view kTorch = "a Python pickle (.pt, .ckpt, .bin); convert it to safetensors first";
constexpr std::string_view kWebPage = "a web page: the download probably needs a login";
constexpr std::string_view kDownloadError =
    "a server's error message in place of the file: the download needs a login or another address";
constexpr std::string_view kArchive = "an archive: unpack it first";

constexpr Sign kSigns[] = {
    {"PK\x03\x04", "a zip archive or a PyTorch .pt/.ckpt file; convert it to safetensors first"},
    {"\x80\x02", kTorch},
    {"\x80\x03", kTorch},
    {"\x80\x04", kTorch},
    {"\x80\x05", kTorch},
    {"GGUF", "a GGUF file; ask for the safetensors version"},
    {"\x89HDF\r\n", "an HDF5 file (Keras); ask for the safetensors version"},
    {"\x93NUMPY", "a NumPy array; ask for the safetensors version"},
    {"\x89PNG", "a PNG image"},
    {"\xFF\xD8\xFF", "a JPEG image"},
    {"GIF8", "a GIF image"},
    {"WEBP", "a WebP image", 8},
    {"%PDF", "a PDF document"},
    {"\x1F\x8B", kArchive},
    {"7z\xBC\xAF\x27\x1C", kArchive},
    {"Rar!\x1A\x07", kArchive},
    {"\3757zXZ", kArchive},
    {"\x28\xB5\x2F\xFD", kArchive},
    {"ustar", kArchive, 257},
    {"\177ELF", "a program"},
    {"\0\0\0\0\0\0\0\0"sv, "a download that was never filled: it starts with zeros; fetch the file again"},
};

/// Signs of text files, after white space and a byte order mark.
constexpr Sign kTextSigns[] = {
    {"version https://git-lfs", "a git-lfs pointer, not the file itself: run 'git lfs pull' there"},
    {"/annex/objects/", "a git-annex pointer, not the file itself: run 'git annex get' there"},
    {"<!DOCTYPE", kWebPage},
    {"<!doctype", kWebPage},
    {"<html", kWebPage},
    {"<HTML", kWebPage},
    {"<?xml", kWebPage},
    {"Entry not found", kDownloadError},
    {"Repository not found", kDownloadError},
    {"Invalid username or password", kDownloadError},
    {"Access to model", kDownloadError},
    {"Access denied", kDownloadError},
    {"{\"error\"", kDownloadError},
    {"{", "a JSON file; name the .safetensors file beside it"},
};

std::string_view meaning_of(std::string_view head, const Sign* begin, const Sign* end) {
  for (const Sign* sign = begin; sign != end; ++sign)
    if (head.size() >= sign->at && head.substr(sign->at).starts_with(sign->magic)) return sign->meaning;
  return "";
}

std::string_view without_leading_space(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

}  // namespace

std::string_view looks_like(std::string_view head) {
  const std::string_view meaning = meaning_of(head, std::begin(kSigns), std::end(kSigns));
  if (!meaning.empty()) return meaning;
  return meaning_of(without_leading_space(head), std::begin(kTextSigns), std::end(kTextSigns));
}

}  // namespace ziplora
