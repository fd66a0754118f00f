#include "ziplora/models/clip_text_split.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <array>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr UChar32 kLatinCapitalIWithDot = 0x130;
constexpr UChar32 kCombiningDotAbove = 0x307;

bool is_letter(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0; }
bool is_numeral(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0; }
bool is_white_space(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE); }

void append_utf8(UChar32 c, std::string& text) {
  std::array<char, U8_MAX_LENGTH> buffer;
  int32_t length = 0;
  U8_APPEND_UNSAFE(buffer.data(), length, c);
  text.append(buffer.data(), length);
}

void check_utf8(std::string_view text) {
  const int32_t size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    const int32_t start = i;
    UChar32 c;
    U8_NEXT(text.data(), i, size, c);
    if (c < 0)
      throw Error(ErrorKind::kInput, "prompt",
                  fmt::format("byte {} (0x{:02x}) is not valid UTF-8", start,
                              static_cast<unsigned char>(text[start])),
                  "save the text as UTF-8, or check the terminal's locale");
  }
}

}  // namespace

std::string normalize_for_clip(std::string_view text) {
  check_utf8(text);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  const icu::UnicodeString composed =
      U_SUCCESS(status)
          ? nfc->normalize(icu::UnicodeString::fromUTF8({text.data(), static_cast<int>(text.size())}), status)
          : icu::UnicodeString();
  if (U_FAILURE(status))
    throw Error(ErrorKind::kFailed, "prompt",
                fmt::format("ICU cannot normalise text: {}", u_errorName(status)),
                "install ICU's data files");
  std::string result;
  bool after_white_space = false;
  for (int32_t i = 0; i < composed.length(); i = composed.moveIndex32(i, 1)) {
    const UChar32 c = composed.char32At(i);
    const bool white_space = is_white_space(c);
    if (white_space) {
      if (!after_white_space) result += ' ';
    } else if (c == kLatinCapitalIWithDot) {  // the one letter whose lower case is two code points
      append_utf8('i', result);
      append_utf8(kCombiningDotAbove, result);
    } else {
      append_utf8(u_tolower(c), result);  // letter by letter: a final Σ becomes σ, not ς
    }
    after_white_space = white_space;
  }
  return result;
}

std::vector<std::string> split_words(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kContractions{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  // "<|startoftext|>" is cut out of its surroundings even where it is not an added token of the vocabulary.
  static constexpr std::array<std::string_view, 2> kMarkers{"startoftext", "endoftext"};
  const int32_t size = static_cast<int32_t>(text.size());
  const auto code_point = [&](int32_t& i) {
    UChar32 c;
    U8_NEXT(text.data(), i, size, c);
    return c;
  };
  std::vector<std::string> words;
  // The index after the run of code points that belong to it.
  const auto run_end = [&](int32_t i, auto belongs) {
    for (int32_t next = i; i < size; i = next) {
      if (!belongs(code_point(next))) break;
    }
    return i;
  };
  const auto take = [&](int32_t begin, int32_t end) {
    words.emplace_back(text.substr(begin, end - begin));
    return end;
  };

  for (int32_t i = 0; i < size;) {
    const std::string_view rest = text.substr(i);
    const auto starts = [&](std::string_view prefix) { return rest.starts_with(prefix); };
    if (const auto marker =
            std::find_if(kMarkers.begin(), kMarkers.end(),
                         [&](std::string_view m) { return starts(fmt::format("<|{}|>", m)); });
        marker != kMarkers.end()) {
      words.insert(words.end(), {"<|", std::string(*marker), "|>"});
      i += static_cast<int32_t>(marker->size()) + 4;
      continue;
    }
    if (const auto contraction = std::find_if(kContractions.begin(), kContractions.end(), starts);
        contraction != kContractions.end()) {
      i = take(i, i + static_cast<int32_t>(contraction->size()));
      continue;
    }
    int32_t next = i;
    const UChar32 c = code_point(next);
    if (is_letter(c))
      i = take(i, run_end(i, is_letter));
    else if (is_numeral(c))
      i = take(i, next);
    else if (is_white_space(c))
      i = next;
    else
      i = take(i,
               run_end(i, [](UChar32 o) { return !is_letter(o) && !is_numeral(o) && !is_white_space(o); }));
  }
  return words;
}

}  // namespace ziplora
