#include "cli/commands.h"
#include "cli/frame/program.h"

int main(int argc, char** argv) {
  using namespace ziplora::cli;
  return run_program({"ziplora", "draw any subject in any style by merging trained LoRAs into one",
                      commands(), absent_commands()},
                     argc, argv);
}
