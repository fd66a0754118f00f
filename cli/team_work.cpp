#include "cli/team_work.h"

#include <c10/util/Exception.h>

#include <cstdlib>
#include <new>

#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

/// Ends a process that has nothing to add to what another says.
[[noreturn]] void end_in_silence(std::unique_ptr<Team> team, const Error& error) {
  team.reset();  // waits for the leader
  std::_Exit(static_cast<int>(error.kind()));
}

}  // namespace

void in_team(CommandContext& context, const std::string& where,
             const std::function<void(Team&, ProgressSink&)>& work) {
  std::unique_ptr<Team> team = join_team(process_environment(), context.cancel, where);
  if (team->is_alone()) return work(*team, context.progress);
  NullProgress quiet;
  const auto leave = [&](const Error& error) {
    if (!team->leave(error)) end_in_silence(std::move(team), error);
  };
  try {
    work(*team, team->leads() ? static_cast<ProgressSink&>(context.progress) : quiet);
    team->wait_for_all();
  } catch (const Error& error) {
    leave(error);
    throw;
  } catch (const c10::Error& error) {
    leave({ErrorKind::kInternal, where, error.what_without_backtrace()});
    throw;
  } catch (const std::bad_alloc&) {
    leave({ErrorKind::kExhausted, "memory", "no memory is left"});
    throw;
  } catch (const std::exception& error) {
    leave({ErrorKind::kInternal, where, error.what()});
    throw;
  }
}

}  // namespace ziplora::cli
