#include "ziplora/io/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstring>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/mapped_pages.h"

namespace ziplora {
namespace {

std::string with_length(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

TEST(Safetensors, KeepsEveryDtypeBitForBit) {
  TemporaryFolder folder;
  NamedTensors tensors;
  for (at::ScalarType type :
       {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kBFloat16,
        at::kFloat, at::kDouble, at::kComplexFloat, at::kUInt16, at::kUInt32, at::kUInt64, at::kFloat8_e4m3fn,
        at::kFloat8_e5m2, at::kFloat8_e4m3fnuz, at::kFloat8_e5m2fnuz, at::kFloat8_e8m0fnu})
    tensors[toString(type)] = at::arange(6, at::kFloat).reshape({2, 3}).to(type);
  write_safetensors(folder / "a.safetensors", tensors);
  const SafetensorsFile file(folder / "a.safetensors");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor back = file.tensor(name);
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(back.sizes(), tensor.sizes()) << name;
    EXPECT_EQ(std::memcmp(back.const_data_ptr(), tensor.const_data_ptr(), tensor.nbytes()), 0) << name;
  }
}

TEST(Safetensors, LayoutIsTheOneOfTheFormat) {
  TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors",
                    {{"b", at::full({2}, 1, at::kHalf)},
                     {"a", at::full({1}, 1, at::kHalf)},
                     {"z", at::full({}, 2, at::kFloat)}},
                    {{"format", "pt"}});
  const std::string bytes = read_file(folder / "a.safetensors");
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"z":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("a":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"b":{"dtype":"F16","shape":[2],"data_offsets":[6,10]}})";
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  EXPECT_EQ(size % 8, 0u);
  EXPECT_EQ(bytes.substr(8, header.size()), header);
  EXPECT_EQ(bytes.substr(8 + header.size(), size - header.size()), std::string(size - header.size(), ' '));
  EXPECT_EQ(bytes.size(), 8 + size + 10);
}

TEST(Safetensors, WritesStridedTensorsInRowMajorOrder) {
  TemporaryFolder folder;
  const at::Tensor base = at::arange(12, at::kFloat).reshape({3, 4});
  write_safetensors(
      folder / "a.safetensors",
      {{"t", base.t()}, {"column", base.select(1, 2)}, {"one", base.narrow(0, 1, 1).expand({2, 4})}});
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_TRUE(at::equal(file.tensor("t"), base.t()));
  EXPECT_TRUE(at::equal(file.tensor("column"), base.select(1, 2)));
  EXPECT_TRUE(at::equal(file.tensor("one"), base.narrow(0, 1, 1).expand({2, 4})));
}

TEST(Safetensors, ViewsOutliveTheFileAndNeverWriteToIt) {
  TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {{"t", at::full({1000}, 3.0, at::kFloat)}});
  const std::string before = read_file(folder / "a.safetensors");
  at::Tensor view;
  {
    const SafetensorsFile file(folder / "a.safetensors");
    view = file.tensor("t");
    EXPECT_EQ(view.const_data_ptr(), file.data());  // no copy
  }
  view.add_(1);
  EXPECT_EQ(view.sum().item<float>(), 4000.0f);
  EXPECT_EQ(read_file(folder / "a.safetensors"), before);
}

TEST(Safetensors, ReleasedPagesAreReadAgain) {
  TemporaryFolder folder;
  const at::Tensor large = at::arange(100'000, at::kFloat);
  write_safetensors(folder / "a.safetensors", {{"t", large}});
  const SafetensorsFile file(folder / "a.safetensors");
  const at::Tensor view = file.tensor("t");
  EXPECT_TRUE(at::equal(view, large));
  file.release_pages("t");
  EXPECT_TRUE(at::equal(view, large));
}

TEST(Safetensors, ReleasesPagesByTensorAndLeavesOtherMemoryAlone) {
  TemporaryFolder folder;
  const at::Tensor large = at::arange(100'000, at::kFloat), expected = large.clone();
  write_safetensors(folder / "a.safetensors", {{"t", large}});
  at::Tensor view;
  {
    const SafetensorsFile file(folder / "a.safetensors");
    view = file.tensor("t").view({100, 1000});
  }
  view.fill_(7);  // in this process's copies of the pages, which go
  release_mapped_pages(view);
  EXPECT_LT((view.flatten() == 7).sum().item<int64_t>(), 2100)
      << "at most the two pages at its ends are still there";
  release_mapped_pages(large);
  EXPECT_TRUE(at::equal(large, expected));
  release_mapped_pages(at::Tensor());
}

TEST(Safetensors, CopiesTensorsThatStartUnaligned) {
  TemporaryFolder folder;
  const float value = 1.5f;
  write_text_file(folder / "a.safetensors",
                  with_length(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                              R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                              "\x07" + std::string(reinterpret_cast<const char*>(&value), 4)));
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.tensor("b").item<float>(), 1.5f);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.tensor("b").const_data_ptr()) % 4, 0u);
}

TEST(Safetensors, MetadataAndNamesKeepTheirText) {
  TemporaryFolder folder;
  const StringMap metadata = {{"ss_tag", "{\"a\": \"\\n\"}"}, {"", "empty key"}, {"ü", "\x01 €\U0001F600\""}};
  write_safetensors(folder / "a.safetensors", {{"naïve \"name\"\n", at::zeros({0, 3})}}, metadata);
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.metadata(), metadata);
  EXPECT_EQ(file.tensor("naïve \"name\"\n").sizes(), (std::vector<int64_t>{0, 3}));
}

TEST(Safetensors, SameInputSameBytes) {
  TemporaryFolder folder;
  const NamedTensors tensors = {{"b", at::arange(3, at::kFloat)}, {"a", at::arange(4, at::kLong)}};
  write_safetensors(folder / "1", tensors, {{"x", "1"}, {"a", "2"}});
  write_safetensors(folder / "2", tensors, {{"a", "2"}, {"x", "1"}});
  EXPECT_EQ(read_file(folder / "1"), read_file(folder / "2"));
}

TEST(Safetensors, WriterRefusesWhatTheFormatCannotHold) {
  TemporaryFolder folder;
  const auto kind = [&](const NamedTensors& tensors, const StringMap& metadata = {}) {
    try {
      write_safetensors(folder / "a", tensors, metadata);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind{};
  };
  EXPECT_EQ(kind({{"a", at::Tensor()}}), ErrorKind::kInternal);
  EXPECT_EQ(kind({{"a", at::zeros({2}, at::kComplexDouble)}}), ErrorKind::kInternal);
  EXPECT_EQ(kind({{"a", at::zeros({2, 2}).to_sparse()}}), ErrorKind::kInternal);
  EXPECT_EQ(kind({{"__metadata__", at::zeros({2})}}), ErrorKind::kInput);
  EXPECT_EQ(kind({{"a", at::zeros({2})}}, {{"key", "\xFF"}}), ErrorKind::kInput);
  EXPECT_EQ(kind({{"\xC3", at::zeros({2})}}), ErrorKind::kInput);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, UnknownTensorNameIsAnError) {
  TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {{"t", at::zeros({1})}});
  EXPECT_THROW(SafetensorsFile(folder / "a.safetensors").tensor("u"), Error);
}

TEST(Safetensors, NarrowDtypesAreListedButNotGiven) {
  TemporaryFolder folder;
  write_text_file(folder / "a", with_length(R"({"t":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", "x"));
  const SafetensorsFile file(folder / "a");
  EXPECT_EQ(file.info("t").dtype, "F4");
  EXPECT_THROW(file.tensor("t"), Error);
}

}  // namespace
}  // namespace ziplora
