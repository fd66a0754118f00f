#include "ziplora/app/evidence_gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

void copy_whole(const fs::path& from, const fs::path& to) {
  std::ifstream input(from, std::ios::binary);
  AtomicFile output(to);
  std::vector<char> part(size_t{1} << 20);
  while (input) {
    input.read(part.data(), static_cast<std::streamsize>(part.size()));
    output.write(part.data(), static_cast<size_t>(input.gcount()));
  }
  if (!input.eof())
    throw Error(ErrorKind::kInput, "evaluate: take in " + from.string(), "the file cannot be read to its end",
                "check the folder that it lies in, and run the command again");
  output.commit();
}

/// Without the text in a PNG, which names files by the paths of their machine.
bool same_pixels(const fs::path& a, const fs::path& b) { return read_image(a).equal(read_image(b)); }

bool same_tensors(const fs::path& a, const fs::path& b) {
  return sha256_of_tensors(SafetensorsFile(a)) == sha256_of_tensors(SafetensorsFile(b));
}

class Taking {
 public:
  Taking(const EvidenceFolder& into, ProgressSink& progress, const CancelToken& cancel)
      : into_(into), progress_(progress), cancel_(cancel) {}

  void take(const EvidenceFolder& from) {
    const std::vector<EvidenceKey> merges = from.merges(), images = from.images();
    Stage stage(progress_, "take in", static_cast<int64_t>(merges.size() + images.size()));
    const auto next = [&] {
      stage.step();
      cancel_.throw_if_cancelled("evaluate: take in", "run the same command again: what is taken in is kept");
    };
    for (const EvidenceKey& key : merges) {
      if (into_.has_merge(key)) {
        note_double(same_tensors(from.merge(key), into_.merge(key)));
      } else {
        copy_whole(from.merge(key), into_.merge(key));
        copy_whole(from.merge_note(key), into_.merge_note(key));  // last: with it the merge counts
        ++taken_.merges;
      }
      next();
    }
    for (const EvidenceKey& key : images) {
      if (fs::exists(into_.image(key))) {
        note_double(same_pixels(from.image(key), into_.image(key)));
      } else {
        copy_whole(from.image(key), into_.image(key));
        ++taken_.images;
      }
      next();
    }
  }
  const TakenIn& taken() const { return taken_; }

 private:
  void note_double(bool same) {
    ++taken_.doubles;
    if (!same) ++taken_.differing;
  }

  const EvidenceFolder& into_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  TakenIn taken_;
};

}  // namespace

TakenIn take_in(const std::vector<fs::path>& from, const EvidenceFolder& into, ProgressSink& progress,
                const CancelToken& cancel) {
  for (const fs::path& folder : from)  // before an EvidenceFolder would make its own in it
    if (!fs::is_directory(folder / "images") || !fs::is_directory(folder / "merges"))
      throw Error(ErrorKind::kUsage, "evaluate: take in " + folder.string(),
                  "it is no output folder of evaluate: it lacks images/ or merges/",
                  "name the folder that the other machine wrote with -o");
  Taking taking(into, progress, cancel);
  for (const fs::path& folder : from) taking.take(EvidenceFolder(folder));
  const TakenIn& taken = taking.taken();
  if (!from.empty())
    progress.note(fmt::format("{} merges and {} images taken in, {} were here already", taken.merges,
                              taken.images, taken.doubles));
  if (taken.differing > 0)
    progress.warning(fmt::format(
        "{} of what was here already is not the same in another folder, as when machines differ; the first counts",
        taken.differing));
  return taken;
}

}  // namespace ziplora
