#include "cli/frame/program.h"
#include "mini/cli/commands.h"

int main(int argc, char** argv) {
  return ziplora::cli::run_program(
      {"ziplora-mini", "make and measure the miniature of ziplora", ziplora::mini::cli::commands()}, argc,
      argv);
}
