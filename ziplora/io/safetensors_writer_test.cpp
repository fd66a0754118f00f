#include "ziplora/io/safetensors_writer.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

const std::vector<PlannedTensor> kPlan{{"b", "F32", {2, 3}}, {"a", "F16", {4}}, {"empty", "F32", {0, 3}}};
const StringMap kMetadata{{"format", "pt"}};

at::Tensor values_of_b() { return at::arange(6, at::kFloat).reshape({2, 3}); }
at::Tensor values_of_a() { return at::arange(4, at::kHalf); }

ErrorKind kind_of_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.kind();
  }
  return static_cast<ErrorKind>(0);
}

// Referee: the strict reader, and the writer of whole files for the same tensors in its own order.
TEST(SafetensorsWriter, PiecesMakeTheFileThatWholeTensorsMake) {
  TemporaryFolder folder;
  SafetensorsWriter writer(folder / "pieces.safetensors",
                           {{"b", "F32", {2, 3}}, {"empty", "F32", {0, 3}}, {"a", "F16", {4}}}, kMetadata);
  writer.append(values_of_b().narrow(0, 0, 1));
  writer.append(values_of_b().narrow(0, 1, 1));
  const at::Tensor a = values_of_a();
  writer.append(static_cast<const char*>(a.const_data_ptr()), 3);  // bytes may break anywhere
  writer.append(static_cast<const char*>(a.const_data_ptr()) + 3, 5);
  writer.commit();
  write_safetensors(folder / "whole.safetensors",
                    {{"a", values_of_a()}, {"b", values_of_b()}, {"empty", at::zeros({0, 3})}}, kMetadata);
  EXPECT_EQ(read_file(folder / "pieces.safetensors"), read_file(folder / "whole.safetensors"));
}

TEST(SafetensorsWriter, KeepsTheOrderOfItsPlan) {
  TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder / "x.safetensors", kPlan, kMetadata);
    writer.append(values_of_b());
    writer.append(values_of_a());
    writer.commit();
  }
  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.metadata(), kMetadata);
  EXPECT_EQ(file.info("b").begin, 0u);
  EXPECT_EQ(file.info("a").begin, 24u);
  EXPECT_TRUE(file.tensor("a").equal(values_of_a()));
  EXPECT_TRUE(file.tensor("b").equal(values_of_b()));
}

TEST(SafetensorsWriter, NothingStaysUnderTheNameBeforeTheLastByte) {
  TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder / "x.safetensors", kPlan, kMetadata);
    writer.append(values_of_b());
    EXPECT_EQ(kind_of_error([&] { writer.commit(); }), ErrorKind::kInternal);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, RefusesValuesOfAnotherTensor) {
  TemporaryFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", kPlan, kMetadata);
  EXPECT_EQ(kind_of_error([&] { writer.append(values_of_a()); }), ErrorKind::kInternal);  // b is due
  EXPECT_EQ(kind_of_error([&] { writer.append(at::zeros({7})); }), ErrorKind::kInternal);
  writer.append(values_of_b());
  writer.append(values_of_a());
  EXPECT_EQ(kind_of_error([&] { writer.append(values_of_a()); }), ErrorKind::kInternal);
}

TEST(SafetensorsWriter, SaysAtOnceThatTheDiskIsTooSmall) {
  TemporaryFolder folder;
  const std::vector<PlannedTensor> exabyte{{"w", "F32", {1 << 20, 1 << 20, 1 << 18}}};
  EXPECT_EQ(kind_of_error([&] { SafetensorsWriter(folder / "x.safetensors", exabyte, {}); }),
            ErrorKind::kExhausted);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ziplora
