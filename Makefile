# One line a target; the work is in tools/ and CMake.
.PHONY: all setup build studio demo test wheel bench bench-sdxl base base-report evidence format check asan tsan torture fuzz clean
all: build
setup:            ; @tools/setup.sh engine
build: setup      ; @tools/build.sh release build
studio:           ; @tools/studio.sh
demo:             ; @tools/demo.sh
test:             ; @tools/test.sh
wheel:            ; @tools/wheel.sh
bench:            ; @tools/bench.sh
bench-sdxl:       ; @tools/bench.sh --sdxl
base:             ; @mini/tools/base.sh
base-report:      ; @mini/tools/report.sh
evidence:         ; @mini/tools/evidence.sh
format:           ; @tools/setup.sh packages && git ls-files '*.h' '*.cpp' | xargs clang-format -i
check:            ; @tools/check.sh
asan:             ; @tools/sanitize.sh asan
tsan:             ; @tools/sanitize.sh tsan
torture:          ; @tools/torture.sh
fuzz:             ; @tools/fuzz.sh
clean:            ; @rm -rf build build-asan build-tsan build-fuzz out dist
