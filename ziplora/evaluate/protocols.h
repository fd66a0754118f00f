#pragma once
/// How papers of the field compare merges: how many subjects, styles and images they take. A comparison may follow one, and then
/// says where it does not.
///
///     const Protocol& protocol = find_protocol("klora", "evaluate: --protocol");
///     protocol.seeds();                              // {0, …, 9}, for a manifest without seeds of its own
///     differences_from(protocol, manifest, 50);      // {"18 pairs in the paper, 12 here"}
///
/// A new protocol is a row of the table.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/evaluate/manifest.h"

namespace ziplora {

struct Protocol {
  const char* name;    ///< on the command line
  const char* source;  ///< the paper
  size_t pairs;
  /// Where the paper names them; 0: it does not.
  size_t subjects, styles;
  /// Of a pair; 0: the paper does not say.
  size_t images;
  /// Of sampling; 0: the paper does not say.
  int64_t steps;
  /// What the paper's table has, and of which encoder.
  const char* scores;

  /// For a manifest without its own: one an image, from 0; four where the paper does not say how many.
  std::vector<uint64_t> seeds() const;
};

const std::vector<Protocol>& protocols();

/// @param where  for the message
/// @throws Error(kUsage) that lists the names
const Protocol& find_protocol(const std::string& name, const std::string& where);

/// Where a comparison is not as the protocol has it, one sentence each. Only pairs that can be merged count, and images under
/// prompts of both.
std::vector<std::string> differences_from(const Protocol& protocol, const Manifest& manifest, int64_t steps);

}  // namespace ziplora
