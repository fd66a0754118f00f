#pragma once
/// One judge's scores of all images of a comparison.
///
///     score_images(manifest, Judge("dino-vits16"), evaluation.images, progress, cancel);

#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/evaluate/evaluation.h"
#include "ziplora/evaluate/judge.h"

namespace ziplora {

/// Appends to the scores of each image. A file that stands for several images is embedded once: the bounds of pairs that
/// share a LoRA are the same files, and under an own prompt many images are compared with one.
/// @throws as Judge::embed; Error(kInterrupted)
void score_images(const Manifest& manifest, const Judge& judge, std::vector<EvaluatedImage>& images,
                  ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
