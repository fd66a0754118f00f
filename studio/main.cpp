// ziplora-studio: the process that `ziplora studio` becomes. It is a program of its own so that LibTorch, which takes over
// 100 MB as soon as it is loaded, is only in the workers. Its only argument is the number of a descriptor from which it reads
// its options.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>

#include "cli/frame/printing.h"
#include "studio/browser.h"
#include "studio/launch/options.h"
#include "studio/refusal.h"
#include "studio/route.h"
#include "studio/server.h"
#include "ziplora/base/error.h"
#include "ziplora/base/folder_lock.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/io/json_file.h"

namespace {

using namespace ziplora;
using namespace ziplora::studio;

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t got; (got = ::read(descriptor, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<size_t>(got));
  ::close(descriptor);
  return text;
}

StudioOptions options_of(const char* argument) {
  const auto descriptor = parse_number<int>(argument);
  const auto json = descriptor ? parse_json(read_all(*descriptor)) : std::nullopt;
  if (!json)
    throw Error(ErrorKind::kUsage, "ziplora-studio", "this is a part of ziplora", "run 'ziplora studio'");
  return options_from_json(*json);
}

/// SIGINT, SIGTERM and SIGHUP end the studio; every thread of it leaves them to this one.
void stop_on_signal(Server& server) {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&awaited, number);
  int number = 0;
  ::sigwait(&awaited, &number);
  server.stop();
}

void block_signals() {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&blocked, number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

void print_routes() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Route& route : routes()) list.push_back({{"method", route.method}, {"path", route.path}});
  cli::print_out_json(list, -1);
}

/// Nobody else on the machine may read what people train on.
void make_private_folder(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) return;
  std::filesystem::create_directories(folder);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
}

void run(const StudioOptions& options) {
  make_private_folder(options.data);
  const FolderLock lock(options.data,
                        "another studio uses this folder: open its page, or name another folder");
  Studio studio(options);
  Server server(studio);
  const std::string address = server.bind();
  if (options.json)
    cli::print_out_json(nlohmann::json{{"address", address}, {"data", options.data.string()}}, -1);
  else
    cli::print_out("ziplora studio: " + address +
                   "\nCtrl-C ends it; what runs then goes on with the next start.\n");
  if (options.open_browser) open_browser(address);
  std::thread waiting([&] { stop_on_signal(server); });
  server.run();
  waiting.join();
  studio.jobs.stop();
}

int report(const Error& error, bool json) {
  if (json) {
    nlohmann::ordered_json event = {{"event", "error"}, {"exit_code", static_cast<int>(error.kind())}};
    const nlohmann::json words = to_json(error);
    for (const char* word : {"kind", "where", "problem", "hint"}) event[word] = words.at(word);
    cli::print_err_json(event);
  } else {
    cli::print_err({"error: ", error.what(), "\n", "hint: ", error.hint(), "\n"});
  }
  return static_cast<int>(error.kind());
}

}  // namespace

int main(int argc, char** argv) {
  cli::occupy_closed_standard_files();
  block_signals();
  StudioOptions options;
  try {
    if (argc == 2 && std::string(argv[1]) == "routes") {
      print_routes();
      return 0;
    }
    options = options_of(argc == 2 ? argv[1] : "");
    run(options);
    return 0;
  } catch (const Refusal& refusal) {
    return report(Error(ErrorKind::kFailed, refusal.body().at("where"), refusal.body().at("problem"),
                        refusal.body().at("hint")),
                  options.json);
  } catch (const Error& error) {
    return report(error, options.json);
  } catch (const std::exception& error) {
    return report(Error(ErrorKind::kFailed, "studio", error.what(), "check the data folder and the disk"),
                  options.json);
  }
}
