#include "mini/pretrain/mini_base.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/safetensors.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

/// The export of a run to <folder>/mini; the run's files are made up.
class ExportBaseTest : public testing::Test {
 protected:
  ExportBaseTest() {
    fs::create_directories(run_ / "base/unet");
    fs::create_directories(run_ / "judge");
    write_text_file(run_ / "base/model_index.json", "new");
    for (const char* weights : {"base/unet/weights.safetensors", "judge/model.safetensors"})
      write_safetensors(run_ / weights, {{"weight", at::ones({2, 3}, at::kFloat)}});
    fs::create_directories(base_ / "unet");
    write_text_file(base_ / "model_index.json", "old");
    write_text_file(base_ / "README.md", "card");
  }

  void export_now() const { export_base(run_, base_, at::kHalf, cancel_); }

  ErrorKind kind_of_failure() const {
    try {
      export_now();
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::kInternal;
  }

  void expect_the_old_base() const {
    EXPECT_EQ(read_file(base_ / "model_index.json"), "old");
    EXPECT_EQ(read_file(base_ / "README.md"), "card");
    EXPECT_TRUE(fs::is_empty(base_ / "unet"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2) << "the run and the base";
  }

  TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run", base_ = folder_ / "mini";
  CancelToken cancel_;
};

TEST_F(ExportBaseTest, AnOldBaseIsUpdatedAndItsCardStays) {
  export_now();
  EXPECT_EQ(read_file(base_ / "model_index.json"), "new");
  EXPECT_EQ(read_file(base_ / "README.md"), "card");
  for (const fs::path& weights :
       {base_ / "unet/weights.safetensors", folder_ / "judges/clip/model.safetensors"})
    EXPECT_EQ(SafetensorsFile(weights).tensor("weight").scalar_type(), at::kHalf) << weights;
}

/// The judge comes after the base, all of whose files have been written by then.
TEST_F(ExportBaseTest, AnExportThatFailsChangesNothing) {
  write_text_file(run_ / "judge/model.safetensors", "cut off");
  EXPECT_EQ(kind_of_failure(), ErrorKind::kInput);
  expect_the_old_base();
}

TEST_F(ExportBaseTest, AnInterruptedExportChangesNothing) {
  cancel_.cancel();
  EXPECT_EQ(kind_of_failure(), ErrorKind::kInterrupted);
  expect_the_old_base();
}

}  // namespace
}  // namespace ziplora::mini
