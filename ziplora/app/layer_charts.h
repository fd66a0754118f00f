#pragma once
/// Figures of what each layer of a network has: side by side in the network's order, or as a map.
///
///     chart_by_layer("Column cosine", "cosine", order, {{"dog and ink", {{"unet.conv_in", 0.1}, …}}});

#include <map>
#include <string>
#include <vector>

#include "ziplora/plot/ticks.h"

namespace ziplora {

/// A number for each layer that has one.
using ByLayer = std::map<std::string, double>;

struct NamedLayers {
  std::string name;
  ByLayer values;
};

/// Dots, since neighbours in the order of the network are no course; layers that no series has are left out.
/// @param order  canonical targets in the network's order
/// @return       an SVG
std::string chart_by_layer(const std::string& title, const std::string& label,
                           const std::vector<std::string>& order, const std::vector<NamedLayers>& series);

/// A panel for each series; rows are the parts of a block, columns the blocks in the network's order.
/// @return an SVG
std::string map_by_layer(const std::string& title, const Axis& value, const std::vector<std::string>& order,
                         const std::vector<NamedLayers>& series);

}  // namespace ziplora
