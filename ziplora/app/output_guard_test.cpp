#include "ziplora/app/output_guard.h"

#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

class OutputGuard : public testing::Test {
 protected:
  OutputGuard() {
    write_text_file(folder_ / "cat.safetensors", "cat");
    fs::create_directories(folder_ / "ink/unet");
    fs::create_symlink("cat.safetensors", folder_ / "link.safetensors");
  }
  bool refused(const std::string& output) const {
    try {
      refuse_output_among("merge: -o", folder_ / output,
                          {folder_ / "cat.safetensors", folder_ / "ink", "none"});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(error.where(), "merge: -o");
      return true;
    }
    return false;
  }
  TemporaryFolder folder_;
};

TEST_F(OutputGuard, AnInputIsRefusedUnderAnyOfItsNames) {
  EXPECT_TRUE(refused("cat.safetensors"));
  EXPECT_TRUE(refused("ink/../cat.safetensors"));
  EXPECT_TRUE(refused("link.safetensors"));
}

TEST_F(OutputGuard, AFolderIsAnInputWithEverythingInIt) {
  EXPECT_TRUE(refused("ink"));
  EXPECT_TRUE(refused("ink/"));
  EXPECT_TRUE(refused("ink/new.safetensors"));
  EXPECT_TRUE(refused("ink/unet/new/deeper.safetensors"));
}

TEST_F(OutputGuard, WhatLiesBesideTheInputsIsFine) {
  for (const char* output : {"dog.safetensors", "ink.safetensors", "ink-2/a.safetensors", "new/folder"})
    EXPECT_FALSE(refused(output)) << output;
}

}  // namespace
}  // namespace ziplora
