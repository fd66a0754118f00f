// A corpus of broken and of odd but sound files, one row per check of the reference reader
// (huggingface/safetensors, safetensors/src/tensor.rs). Each broken file has its own message.
#include <gtest/gtest.h>

#include <cstring>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/io/safetensors_header.h"

namespace ziplora {
namespace {

std::string length(uint64_t size) { return std::string(reinterpret_cast<const char*>(&size), 8); }
std::string file_of(const std::string& header, size_t data_size = 0) {
  return length(header.size()) + header + std::string(data_size, 'd');
}
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}
std::string nested(int depth) {
  return R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":)" + std::string(depth, '[') +
         std::string(depth, ']') + "}}";
}

struct Case {
  const char* name;
  std::string bytes;
  const char* message;  ///< part of the problem; for sound files empty
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const std::string kFloat1 = entry("F32", "[1]", "[0,4]");

std::vector<Case> broken_files() {
  return {
      {"Empty", "", "the file has 0 bytes"},
      {"SevenBytes", std::string(7, '\0'), "the file has 7 bytes"},
      {"HeaderTooLong", length(100'000'001) + "{}", "at most 100000000 are allowed"},
      {"HeaderLengthOverflows", length(UINT64_MAX) + "{}", "18446744073709551615 bytes"},
      {"CutInHeader", length(50) + "{}", "the header takes 50 bytes, 2 are there"},
      {"ZeroHeader", length(0), "the header is empty"},
      {"SpacesOnly", file_of("   "), "the header is empty"},
      {"NotUtf8", file_of("{\"\xFF\":" + kFloat1 + "}", 4), "ill-formed UTF-8"},
      {"LoneSurrogate", file_of(R"({"\ud800":)" + kFloat1 + "}", 4), "surrogate"},
      {"NulPadding", file_of(std::string("{}\0\0", 4)), "holds a NUL at its byte 2"},
      {"ByteOrderMark", file_of("\xEF\xBB\xBF{}"), "byte order mark"},
      {"NotJson", file_of("hello"), "not valid JSON at its byte 1"},
      {"Unclosed", file_of("{\"a\":"), "not valid JSON at its byte 6"},
      {"TrailingJson", file_of("{}{}"), "not valid JSON at its byte 3"},
      {"RootArray", file_of("[]"), "the header is an array"},
      {"RootNumber", file_of("1"), "the header is the number 1"},
      {"RootString", file_of("\"a\""), "the header is a string"},
      {"RootNull", file_of("null"), "the header is null"},
      {"NanLiteral", file_of(R"({"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}})", 4),
       "not valid JSON"},
      {"TensorIsNumber", file_of(R"({"a":3})"), "tensor \"a\" is the number 3"},
      {"TensorIsArray", file_of(R"({"a":[]})"), "tensor \"a\" is an array"},
      {"TensorIsNull", file_of(R"({"a":null})"), "tensor \"a\" is null"},
      {"NoDtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4), "\"dtype\" is missing"},
      {"NoShape", file_of(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4), "\"shape\" is missing"},
      {"NoOffsets", file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "\"data_offsets\" is missing"},
      {"DtypeTwice", file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4),
       "the field \"dtype\" is given twice"},
      {"ShapeTwice", file_of(R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4),
       "the field \"shape\" is given twice"},
      {"OffsetsTwice",
       file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]}})", 4),
       "the field \"data_offsets\" is given twice"},
      {"OneOffset", file_of("{\"a\":" + entry("F32", "[1]", "[0]") + "}", 4), "data_offsets has 1 numbers"},
      {"ThreeOffsets", file_of("{\"a\":" + entry("F32", "[1]", "[0,4,8]") + "}", 4),
       "data_offsets has 3 numbers"},
      {"FloatOffset", file_of("{\"a\":" + entry("F32", "[1]", "[0,4.0]") + "}", 4), "holds the number 4.0"},
      {"NegativeOffset", file_of("{\"a\":" + entry("F32", "[1]", "[-4,0]") + "}", 4),
       "holds the negative number -4"},
      {"MinusZero", file_of("{\"a\":" + entry("F32", "[1]", "[-0,4]") + "}", 4), "holds the negative number"},
      {"StringOffset", file_of("{\"a\":" + entry("F32", "[1]", R"(["0",4])") + "}", 4),
       "data_offsets holds a string"},
      {"HugeNumber", file_of("{\"a\":" + entry("F32", "[1]", "[0,99999999999999999999]") + "}", 4),
       "holds the number"},
      {"NullShape", file_of("{\"a\":" + entry("F32", "null", "[0,4]") + "}", 4), "shape is null"},
      {"ObjectShape", file_of("{\"a\":" + entry("F32", "{}", "[0,4]") + "}", 4), "shape is an object"},
      {"NestedShape", file_of("{\"a\":" + entry("F32", "[[1]]", "[0,4]") + "}", 4), "shape holds an array"},
      {"NegativeShape", file_of("{\"a\":" + entry("F32", "[-1]", "[0,4]") + "}", 4),
       "shape holds the negative number"},
      {"BoolShape", file_of("{\"a\":" + entry("F32", "[true]", "[0,4]") + "}", 4), "shape holds a boolean"},
      {"NumberDtype", file_of(R"({"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}})", 4),
       "dtype is the number 32"},
      {"ArrayDtype", file_of(R"({"a":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}})", 4),
       "dtype is an array"},
      {"LowerCaseDtype", file_of("{\"a\":" + entry("f32", "[1]", "[0,4]") + "}", 4), "unknown dtype \"f32\""},
      {"UnknownDtype", file_of("{\"a\":" + entry("F128", "[1]", "[0,16]") + "}", 16),
       "unknown dtype \"F128\""},
      {"MetadataTwice", file_of(R"({"__metadata__":{},"__metadata__":{}})"),
       "\"__metadata__\" is given twice"},
      {"MetadataNumber", file_of(R"({"__metadata__":{"a":1}})"),
       "the metadata value of \"a\" is the number 1"},
      {"MetadataNested", file_of(R"({"__metadata__":{"a":{}}})"), "the metadata value of \"a\" is an object"},
      {"MetadataValueNull", file_of(R"({"__metadata__":{"a":null}})"), "the metadata value of \"a\" is null"},
      {"MetadataArray", file_of(R"({"__metadata__":[]})"), "\"__metadata__\" is an array"},
      {"MetadataString", file_of(R"({"__metadata__":"x"})"), "\"__metadata__\" is a string"},
      {"FirstHole", file_of("{\"a\":" + entry("F32", "[1]", "[4,8]") + "}", 8),
       "begins at data byte 4, expected 0"},
      {"Hole", file_of("{\"a\":" + kFloat1 + ",\"b\":" + entry("F32", "[1]", "[8,12]") + "}", 12),
       "there is a hole before it"},
      {"Overlap", file_of("{\"a\":" + kFloat1 + ",\"b\":" + entry("F32", "[1]", "[2,6]") + "}", 6),
       "it overlaps another"},
      {"SharedRange", file_of("{\"a\":" + kFloat1 + ",\"b\":" + kFloat1 + "}", 4), "it overlaps another"},
      {"EndBeforeBegin", file_of("{\"a\":" + entry("F32", "[1]", "[4,0]") + "}", 4),
       "its data ends (byte 0) before"},
      {"ProductOverflows", file_of("{\"a\":" + entry("F32", "[4294967296,4294967296]", "[0,4]") + "}", 4),
       "larger than any memory"},
      {"BitsOverflow", file_of("{\"a\":" + entry("F64", "[576460752303423488]", "[0,4]") + "}", 4),
       "larger than any memory"},
      {"OverflowThenZero", file_of("{\"a\":" + entry("F32", "[4294967296,4294967296,0]", "[0,0]") + "}"),
       "larger than any memory"},
      {"ZeroThenOverflow", file_of("{\"a\":" + entry("U8", "[0,4294967296,4294967296]", "[0,0]") + "}"),
       "larger than any memory"},
      {"HalfByte", file_of("{\"a\":" + entry("F4", "[3]", "[0,2]") + "}", 2),
       "3 elements of 4 bits do not fill"},
      {"SixBits", file_of("{\"a\":" + entry("F6_E2M3", "[2]", "[0,2]") + "}", 2),
       "2 elements of 6 bits do not fill"},
      {"SizeTooSmall", file_of("{\"a\":" + entry("F32", "[2]", "[0,4]") + "}", 4),
       "takes 8 bytes, data_offsets give it 4"},
      {"SizeTooLarge", file_of("{\"a\":" + entry("F16", "[1]", "[0,4]") + "}", 4),
       "takes 2 bytes, data_offsets give it 4"},
      {"EmptyTensorWithBytes", file_of("{\"a\":" + entry("F16", "[0]", "[0,4]") + "}", 4), "takes 0 bytes"},
      {"DataCutShort", file_of("{\"a\":" + kFloat1 + "}", 3), "1 are missing"},
      {"TrailingByte", file_of("{\"a\":" + kFloat1 + "}", 5), "1 surplus bytes"},
      {"DataWithoutTensors", file_of("{}", 1), "1 surplus bytes"},
      // Stricter than the reference, which keeps the last one silently.
      {"NameTwice", file_of("{\"a\":" + kFloat1 + ",\"a\":" + kFloat1 + "}", 4), "\"a\" is given twice"},
      {"TooDeep", file_of(nested(200), 1), "nests deeper than 128"},
  };
}

std::vector<Case> sound_files() {
  return {
      {"NoTensors", file_of("{}"), ""},
      {"LeadingSpace", file_of(" \n{}"), ""},
      {"TrailingSpace", file_of("{} \n\t\r"), ""},
      {"AnyOrder",
       file_of("{\"b\":" + entry("U8", "[1]", "[1,2]") + ",\"a\":" + entry("U8", "[1]", "[0,1]") + "}", 2),
       ""},
      {"EmptyBetween",
       file_of("{\"a\":" + entry("U8", "[1]", "[0,1]") + ",\"b\":" + entry("F32", "[0,7]", "[1,1]") +
                   ",\"c\":" + entry("U8", "[1]", "[1,2]") + "}",
               2),
       ""},
      {"Scalar", file_of("{\"a\":" + entry("F32", "[]", "[0,4]") + "}", 4), ""},
      {"Unaligned",
       file_of("{\"a\":" + entry("U8", "[1]", "[0,1]") + ",\"b\":" + entry("F32", "[1]", "[1,5]") + "}", 5),
       ""},
      {"EmptyName", file_of("{\"\":" + kFloat1 + "}", 4), ""},
      {"EscapedName", file_of("{\"\\u00e9\":" + kFloat1 + "}", 4), ""},
      {"ExtraField",
       file_of(R"({"a":{"dtype":"U8","x":{"dtype":[1,{}]},"shape":[1],"data_offsets":[0,1],"y":-1.5}})", 1),
       ""},
      {"MetadataNull", file_of(R"({"__metadata__":null})"), ""},
      {"MetadataKeyTwice", file_of(R"({"__metadata__":{"a":"1","a":"2"}})"), ""},
      {"MetadataLast", file_of("{\"a\":" + kFloat1 + R"(,"__metadata__":{"a":"1"}})", 4), ""},
      {"FourBits", file_of("{\"a\":" + entry("F4", "[4]", "[0,2]") + "}", 2), ""},
      {"SixBits", file_of("{\"a\":" + entry("F6_E3M2", "[4]", "[0,3]") + "}", 3), ""},
  };
}

class BrokenFile : public testing::TestWithParam<Case> {};
TEST_P(BrokenFile, IsRefusedWithItsOwnMessage) {
  TemporaryFolder folder;
  write_text_file(folder / "x.safetensors", GetParam().bytes);
  try {
    SafetensorsFile file(folder / "x.safetensors");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.problem().find(GetParam().message), std::string::npos) << error.problem();
    EXPECT_NE(error.where().find("x.safetensors"), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}
INSTANTIATE_TEST_SUITE_P(All, BrokenFile, testing::ValuesIn(broken_files()),
                         [](const auto& c) { return c.param.name; });

class SoundFile : public testing::TestWithParam<Case> {};
TEST_P(SoundFile, IsRead) {
  TemporaryFolder folder;
  write_text_file(folder / "x.safetensors", GetParam().bytes);
  EXPECT_NO_THROW(SafetensorsFile(folder / "x.safetensors"));
}
INSTANTIATE_TEST_SUITE_P(All, SoundFile, testing::ValuesIn(sound_files()),
                         [](const auto& c) { return c.param.name; });

TEST(BrokenFiles, EveryPrefixOfASoundFileIsRefused) {
  TemporaryFolder folder;
  const std::string whole = file_of("{\"a\":" + kFloat1 + R"(,"__metadata__":{"a":"1"}})", 4);
  for (size_t size = 0; size < whole.size(); ++size) {
    write_text_file(folder / "x", whole.substr(0, size));
    EXPECT_THROW(SafetensorsFile(folder / "x"), Error) << size << " bytes";
  }
}

/// Whatever single byte is changed: a clear Error or a file whose every tensor can be read.
TEST(BrokenFiles, NoChangedByteLeadsOutsideTheFile) {
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"U8","shape":[3,1],"data_offsets":[8,11]}})";
  for (size_t at = 0; at < header.size(); ++at) {
    for (char c : {'0', '9', '{', '}', '[', ']', '"', ',', '-', '\\', '\x80'}) {
      std::string changed = header;
      changed[at] = c;
      try {
        const SafetensorsHeader parsed = parse_safetensors_header(changed, 11, "test");
        for (const auto& [name, info] : parsed.tensors) EXPECT_LE(info.end, 11u) << changed;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput) << changed;
      }
    }
  }
}

TEST(BrokenFiles, HintNamesWhatTheFileLooksLike) {
  TemporaryFolder folder;
  const auto hint = [&](const std::string& bytes) {
    write_text_file(folder / "x", bytes);
    try {
      SafetensorsFile file(folder / "x");
    } catch (const Error& error) {
      return error.hint();
    }
    return std::string();
  };
  EXPECT_NE(hint("<!DOCTYPE html><html>").find("a web page"), std::string::npos);
  EXPECT_NE(hint("PK\x03\x04" + std::string(30, 'x')).find(".pt/.ckpt"), std::string::npos);
  EXPECT_NE(hint("version https://git-lfs.github.com/spec/v1\n").find("git lfs pull"), std::string::npos);
}

TEST(BrokenFiles, MissingFileAndFolder) {
  TemporaryFolder folder;
  EXPECT_THROW(SafetensorsFile(folder / "none.safetensors"), Error);
  EXPECT_THROW(SafetensorsFile(folder.path()), Error);
}

}  // namespace
}  // namespace ziplora
