#pragma once
/// For tests: a team of threads of one process, whose sums add in the order of the places.
///
///     run_as_team(2, [&](Team& team) { … });

#include <ATen/TensorOperators.h>

#include <barrier>
#include <functional>
#include <thread>
#include <vector>

#include "ziplora/team/team.h"

namespace ziplora {

class ThreadTeam : public Team {
 public:
  struct Common {
    explicit Common(int64_t size) : barrier(size), given(static_cast<size_t>(size)) {}
    std::barrier<> barrier;
    std::vector<std::vector<at::Tensor>> given;  // by place
  };
  ThreadTeam(Common& common, int64_t place) : common_(common), place_(place) {}
  int64_t size() const override { return static_cast<int64_t>(common_.given.size()); }
  int64_t place() const override { return place_; }

  void sum(const std::vector<at::Tensor>& tensors) override {
    std::vector<at::Tensor>& own = common_.given[static_cast<size_t>(place_)];
    own.clear();
    for (const at::Tensor& tensor : tensors) own.push_back(tensor.detach().clone());
    common_.barrier.arrive_and_wait();
    for (size_t i = 0; i < tensors.size(); ++i) {
      at::Tensor total = common_.given[0][i].clone();
      for (size_t other = 1; other < common_.given.size(); ++other) total += common_.given[other][i];
      tensors[i].detach().copy_(total);
    }
    common_.barrier.arrive_and_wait();
  }

 private:
  Common& common_;
  int64_t place_;
};

inline void run_as_team(int64_t size, const std::function<void(Team&)>& work) {
  ThreadTeam::Common common(size);
  std::vector<std::jthread> threads;
  for (int64_t place = 0; place < size; ++place)
    threads.emplace_back([&, place] {
      ThreadTeam team(common, place);
      work(team);
    });
}

}  // namespace ziplora
