// A team over MPI. Each call first agrees on how everybody is, then adds up: three numbers, then the tensors, flat.
#include <ATen/ops/cat.h>
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "ziplora/team/team.h"

namespace ziplora {
namespace {

using Clock = std::chrono::steady_clock;

/// Values in one message: 128 MB in float64. Smaller tensors are put together up to it.
constexpr int64_t kMostValues = int64_t{1} << 24;
/// How long who is asked to stop waits for the leader, which saves what there is.
constexpr auto kPatience = std::chrono::seconds(60);
/// How long who fails waits to tell the others; they may be in the midst of an iteration, or gone.
constexpr auto kFarewell = std::chrono::seconds(120);

void require(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ErrorKind::kFailed, fmt::format("MPI: {}", what), text,
              "check the network between the machines, and that all of them run the same program");
}

struct Farewell {
  int32_t kind = 0;
  std::array<char, 1020> text = {};
};

class MpiTeam : public Team {
 public:
  explicit MpiTeam(const CancelToken& cancel) : cancel_(cancel) {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm_rank(MPI_COMM_WORLD, &place_);
  }
  /// Waits for the others: whoever ends first would have the rest killed, the leader among them, which may be saving.
  ~MpiTeam() override {
    if (!has_pending_) MPI_Finalize();
  }

  int64_t size() const override { return size_; }
  int64_t place() const override { return place_; }

  void sum(const std::vector<at::Tensor>& tensors) override {
    if (is_alone()) return;
    agree();
    std::vector<at::Tensor> together;
    int64_t values = 0;
    for (const at::Tensor& tensor : tensors) {
      const bool fits = together.empty() || (together.front().scalar_type() == tensor.scalar_type() &&
                                             values + tensor.numel() <= kMostValues);
      if (!fits) {
        sum_together(together);
        together.clear();
        values = 0;
      }
      together.push_back(tensor);
      values += tensor.numel();
    }
    if (!together.empty()) sum_together(together);
  }

  bool leave(const Error& error) override {
    if (is_alone()) return true;
    if (!has_left_ && !has_pending_) {
      has_left_ = true;
      State state = {place_ + 1, leads(), 0};
      const auto until = Clock::now() + kFarewell;
      if (wait(all_reduce(state), until)) hear(state, &error, until);
    }
    return leads() || (!is_told_ && !leader_fails_);
  }

 private:
  /// Of all, the largest: 1 + the place of one that fails; whether the leader does; whether one is to stop.
  using State = std::array<int64_t, 3>;

  MPI_Request all_reduce(State& state) {
    MPI_Request request;
    require(MPI_Iallreduce(MPI_IN_PLACE, state.data(), static_cast<int>(state.size()), MPI_INT64_T, MPI_MAX,
                           MPI_COMM_WORLD, &request),
            "agree");
    return request;
  }

  void agree() {
    State state = {0, 0, cancel_.cancelled()};
    wait(all_reduce(state));
    if (state[0] > 0) {
      has_left_ = true;
      hear(state, nullptr, std::nullopt);
    }
    if (state[2] > 0) {
      has_left_ = is_told_ = true;
      throw Error(ErrorKind::kInterrupted, "MPI", "a process was told to stop", "run the same command again");
    }
  }

  /// The error of the one that fails, which all come to hear.
  /// @param own  of this process
  void hear(const State& state, const Error* own, std::optional<Clock::time_point> until) {
    const auto speaker = static_cast<int>(state[0] - 1);
    leader_fails_ = state[1] > 0;
    Farewell farewell;
    if (own && speaker == place_) {
      farewell.kind = static_cast<int32_t>(own->kind());
      const std::string text = own->what();
      std::copy_n(text.begin(), std::min(text.size(), farewell.text.size() - 1), farewell.text.begin());
    }
    MPI_Request request;
    require(MPI_Ibcast(&farewell, sizeof(farewell), MPI_BYTE, speaker, MPI_COMM_WORLD, &request),
            "hear of an error");
    if (!wait(request, until) || own) return;
    is_told_ = true;
    throw Error(static_cast<ErrorKind>(farewell.kind), fmt::format("process {} of {}", speaker + 1, size_),
                farewell.text.data(), "mend what that process says, and run the same command again");
  }

  void sum_together(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& tensor : tensors) parts.push_back(tensor.detach().reshape({-1}).to(at::kCPU));
    const at::Tensor all = at::cat(parts);
    const MPI_Datatype type = all.scalar_type() == at::kDouble  ? MPI_DOUBLE
                              : all.scalar_type() == at::kFloat ? MPI_FLOAT
                                                                : MPI_INT64_T;
    for (int64_t first = 0; first < all.numel(); first += kMostValues) {
      const at::Tensor part = all.narrow(0, first, std::min(kMostValues, all.numel() - first));
      MPI_Request request;
      require(MPI_Iallreduce(MPI_IN_PLACE, part.data_ptr(), static_cast<int>(part.numel()), type, MPI_SUM,
                             MPI_COMM_WORLD, &request),
              "add up");
      wait(request);
    }
    int64_t first = 0;
    for (const at::Tensor& tensor : tensors) {
      tensor.detach().copy_(all.narrow(0, first, tensor.numel()).view(tensor.sizes()));
      first += tensor.numel();
    }
  }

  /// Sleeps between looks, which leaves the core to those who work; the leader stops when it is told to.
  /// @param until  gives up then; absent: waits as long as this process is not told to stop
  /// @return whether it is done
  bool wait(MPI_Request request, std::optional<Clock::time_point> until = std::nullopt) {
    auto pause = std::chrono::microseconds(0);
    std::optional<Clock::time_point> stop_by = until;
    while (true) {
      int done = 0;
      require(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "wait");
      if (done) return true;
      if (!until && cancel_.cancelled()) {
        if (!stop_by) stop_by = leads() ? Clock::now() : Clock::now() + kPatience;
        if (Clock::now() >= *stop_by) {
          has_pending_ = true;
          throw Error(ErrorKind::kInterrupted, "MPI", "told to stop while waiting for the other processes",
                      "run the same command again");
        }
      }
      if (until && Clock::now() >= *until) {
        has_pending_ = true;
        return false;
      }
      std::this_thread::sleep_for(pause);
      pause = std::min(pause + std::chrono::microseconds(10), std::chrono::microseconds(500));
    }
  }

  const CancelToken& cancel_;
  int size_ = 1, place_ = 0;
  bool has_left_ = false;     // nobody expects a further call of it
  bool has_pending_ = false;  // others may be gone
  bool is_told_ = false, leader_fails_ = false;
};

}  // namespace

std::unique_ptr<Team> join_team(const Environment& environment, const CancelToken& cancel,
                                const std::string&) {
  if (!is_started_by_mpi(environment)) return std::make_unique<Team>();
  return std::make_unique<MpiTeam>(cancel);
}

}  // namespace ziplora
