#include "ziplora/models/prediction_markers.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>

#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/safetensors_writer.h"

namespace ziplora {
namespace {

struct PredictionMarkersTest : ::testing::Test {
  PredictionMarkers read(const StringMap& metadata, const std::vector<std::string>& tensors = {}) {
    NamedTensors all{{"x", at::zeros({1})}};
    for (const std::string& name : tensors) all[name] = at::zeros({0});
    write_safetensors(folder / "base.safetensors", all, metadata);
    return prediction_markers(SafetensorsFile(folder / "base.safetensors"));
  }
  TemporaryFolder folder;
};

TEST_F(PredictionMarkersTest, EpsilonUnlessSomethingSaysV) {
  EXPECT_FALSE(read({}).v_prediction);
  EXPECT_TRUE(read({}).notes.empty());
  EXPECT_TRUE(read({}, {"v_pred"}).v_prediction);
  EXPECT_TRUE(read({}, {"v_pred"}).notes.empty());
  for (const char* value : {"v", "V_Prediction", "v-pred", "velocity"}) {
    const PredictionMarkers said = read({{"modelspec.prediction_type", value}});
    EXPECT_TRUE(said.v_prediction) << value;
    EXPECT_EQ(said.notes.size(), 1u) << value;
  }
  for (const char* value : {"epsilon", "eps", "", "None"})
    EXPECT_FALSE(read({{"modelspec.prediction_type", value}}).v_prediction) << value;
}

TEST_F(PredictionMarkersTest, ZeroTerminalSnrWhereItIsTold) {
  EXPECT_FALSE(read({}).zero_terminal_snr);
  EXPECT_TRUE(read({}, {"ztsnr"}).zero_terminal_snr);
  EXPECT_TRUE(read({{"ss_zero_terminal_snr", "True"}}).zero_terminal_snr);
  EXPECT_FALSE(read({{"ss_zero_terminal_snr", "False"}}).zero_terminal_snr);
}

TEST_F(PredictionMarkersTest, OtherKindsAreRefused) {
  try {
    read({{"modelspec.prediction_type", "edm"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST_F(PredictionMarkersTest, AConfigBesideTheFileCountsLast) {
  std::ofstream(folder / "base.yaml") << "model:\n  parameterization: 'v'\n";
  EXPECT_TRUE(read({}).v_prediction);
  const PredictionMarkers contradicted = read({{"modelspec.prediction_type", "epsilon"}});
  EXPECT_FALSE(contradicted.v_prediction);
  ASSERT_EQ(contradicted.notes.size(), 1u);
  EXPECT_NE(contradicted.notes[0].find("base.yaml says v-prediction"), std::string::npos);
}

}  // namespace
}  // namespace ziplora
