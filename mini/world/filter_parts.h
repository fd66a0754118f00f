#pragma once
/// What filters are made of: pixels, colours, contours, and the part of a canvas that drawings cover.
///
///     const std::vector<float> border = grown(canvas.coverage, canvas.size, 2);
///     set_pixel(canvas, i, mix(ground, flat_colour(covered_colour(canvas, i)), canvas.coverage[i]));

#include <cstdint>
#include <vector>

#include "mini/world/canvas.h"

namespace ziplora::mini {

int64_t area(const Canvas& canvas);
Colour pixel(Canvas& canvas, int64_t i);
void set_pixel(Canvas& canvas, int64_t i, const Colour& colour);

Colour mix(const Colour& a, const Colour& b, float part_of_b);
/// Rec. 709 weights.
float luminance(const Colour& colour);
float smooth_step(float low, float high, float x);
/// More saturated, its value in quarters; what is nearly grey stays grey.
Colour flat_colour(const Colour& colour);

/// 3 × 3 binomial blur of one plane; the edge repeats.
void blur(std::vector<float>& plane, int size);
/// [size, size], 0…1: how much of a contour goes through a pixel. The strongest difference to the right and
/// lower neighbour in colour or in coverage (a white thing on white has a contour too).
std::vector<float> contours(Canvas& canvas);
/// The most covered pixel's colour among a pixel and its neighbours: at its edge, a drawing's own colour without the
/// ground that shows through.
Colour covered_colour(Canvas& canvas, int64_t i);
/// [size, size]: the largest value within a distance.
/// @param distance  in 64ths of the side
std::vector<float> grown(const std::vector<float>& plane, int size, float distance);
/// [size, size]: the plane moved right and down; the rest is 0.
/// @param distance  in 64ths of the side
std::vector<float> moved(const std::vector<float>& plane, int size, float distance);

}  // namespace ziplora::mini
