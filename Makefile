# One line a target; the work is in tools/ and CMake.
.PHONY: all setup build demo test bench base format check asan clean
all: build
setup:            ; @tools/setup.sh engine
build: setup      ; @cmake --preset release >/dev/null && cmake --build --preset release
demo:             ; @tools/demo.sh
test:             ; @tools/test.sh
bench:            ; @tools/bench.sh
base:             ; @tools/base.sh
format:           ; @git ls-files '*.h' '*.cpp' | xargs clang-format -i
check:            ; @tools/check.sh
asan:             ; @tools/asan.sh
clean:            ; @rm -rf build build-asan out
