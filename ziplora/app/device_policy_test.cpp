#include "ziplora/app/device_policy.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr CudaDevices kCpuBuild{.built_in = false, .count = 0}, kNoGpu{.built_in = true, .count = 0},
    kOne{.built_in = true, .count = 1}, kTwo{.built_in = true, .count = 2};

void expect_refused(const std::string& device, const CudaDevices& here, const std::string& problem,
                    const std::string& hint) {
  try {
    choose_device(device, here, "merge: --device");
    ADD_FAILURE() << device << " was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "merge: --device " + device);
    EXPECT_NE(error.problem().find(problem), std::string::npos) << error.problem();
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
  }
}

TEST(ChooseDevice, TakesWhatIsHere) {
  EXPECT_EQ(choose_device("cpu", kCpuBuild, ""), at::Device(at::kCPU));
  EXPECT_EQ(choose_device("cuda", kOne, ""), at::Device(at::kCUDA));
  EXPECT_EQ(choose_device("cuda:0", kOne, ""), at::Device(at::kCUDA, 0));
  EXPECT_EQ(choose_device("cuda:1", kTwo, ""), at::Device(at::kCUDA, 1));
}

TEST(ChooseDevice, TellsACpuBuildFromAMachineWithoutGpu) {
  expect_refused("cuda", kCpuBuild, "LibTorch's CPU build", "ZIPLORA_TORCH_DIR");
  expect_refused("cuda:1", kCpuBuild, "LibTorch's CPU build", "use the device cpu");
  expect_refused("cuda", kNoGpu, "LibTorch finds no GPU", "nvidia-smi");
}

TEST(ChooseDevice, SaysWhichOnesThereAre) {
  expect_refused("cuda:3", kTwo, "there are 2 CUDA devices here: cuda:0 to cuda:1", "use the device cuda:1");
  expect_refused("cuda:2", kTwo, "there are 2 CUDA devices here: cuda:0 to cuda:1", "use the device cuda:1");
  expect_refused("cuda:1", kOne, "there is one CUDA device here: cuda:0", "use the device cuda:0");
}

TEST(ChooseDevice, RefusesOtherWords) {
  for (const char* device : {"gpu", "cuda:-1", "cuda:x", "", "cuda:"})
    expect_refused(device, kTwo, "this is not a device", "use the device cpu");
  expect_refused("meta", kTwo, "only cpu and cuda", "use the device cpu");
}

}  // namespace
}  // namespace ziplora
