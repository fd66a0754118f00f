#pragma once
/// The contexts of a merge with what was recorded in them: the common start of the closed forms (ssr, route, zip-solve),
/// and the options that they share.
///
///     const std::vector<RecordedContext> contexts = record_contexts(inputs, options, MomentsOf::kRowSpace, context);
///     routes_of(target, parts, contexts);   // of one layer: what the equations take

#include <vector>

#include "ziplora/merge/context_moments.h"
#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/learned_targets.h"
#include "ziplora/merge/routed_context.h"

namespace ziplora {

/// How far the closed forms hold to the plain sum, relative to the mean of what they divide by.
inline constexpr double kDefaultRidge = 0.01;

struct RecordedContext {
  PromptContext context;
  ContextMoments moments;
};

/// What is recorded where nothing is said. Moments of inputs are larger than those of the row space, so more images are seen
/// (measured: docs/performance.md).
RecordingOptions default_recording(MomentsOf moments);

/// joint-weight, joint-subject, ridge, context-steps, context-images, context-size
std::vector<MergeOption> context_table(MomentsOf moments);

/// `targets` of the methods that take the moments of inputs: linear layers alone, since a convolution's inputs are
/// patches, whose moments would take (in · kh · kw)² numbers. By default attention: at SDXL's full size its moments take
/// 3.3 GB in each context, those of every linear layer five times as much.
MergeOption input_targets();

/// What an earlier merge kept is not recorded again. Warns of layers that have seen too few tokens to be sure of.
/// @param targets  whose linear layers are recorded; nullptr, of kRowSpace alone: every layer
/// @throws as record_moments
std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             std::vector<PromptContext> contexts, MomentsOf of,
                                             const LearnedTargets* targets, const RecordingOptions& recording,
                                             MergeContext& context);

/// The same as the options say, and says the joint prompt.
/// @param options  with the values of context_table and, for kInputs, of input_targets
/// @throws Error(kUsage) as prompt_contexts, and as record_moments
std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             const nlohmann::json& options, MomentsOf of,
                                             MergeContext& context);

/// @return of the contexts in which the layer was recorded; shares by rank of the parts, stacked
std::vector<RoutedContext> routes_of(const std::string& target, const LayerParts& parts,
                                     const std::vector<RecordedContext>& contexts);

}  // namespace ziplora
