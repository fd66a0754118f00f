# LibTorch from PyPI's torch wheel, as the imported target `ziplora_torch`. CPU and CUDA wheels both work, and what was built
# with one runs with the other: the program uses torch::Device only, so it links the dispatcher alone. libtorch.so, of
# which it uses no symbol, loads the backends of its own wheel.
set(ZIPLORA_TORCH_DIR "" CACHE PATH "The `torch` folder of an installed wheel (default: the one in .venv)")
if(NOT ZIPLORA_TORCH_DIR AND SKBUILD)  # pip builds in an environment of its own
  execute_process(COMMAND ${PYTHON_EXECUTABLE} -c "import importlib.util as i; print(*i.find_spec('torch').submodule_search_locations)"
    OUTPUT_VARIABLE ZIPLORA_TORCH_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
elseif(NOT ZIPLORA_TORCH_DIR)
  file(GLOB found ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  list(GET found 0 ZIPLORA_TORCH_DIR)
endif()
if(NOT EXISTS ${ZIPLORA_TORCH_DIR}/include/ATen/core/Tensor.h)
  message(FATAL_ERROR "LibTorch not found in '${ZIPLORA_TORCH_DIR}'; run tools/setup.sh")
endif()

add_library(ziplora_torch INTERFACE IMPORTED GLOBAL)
set_target_properties(ziplora_torch PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${ZIPLORA_TORCH_DIR}/include;${ZIPLORA_TORCH_DIR}/include/torch/csrc/api/include"
  # By their full names, so that CMake sets RPATH in the build tree and replaces it on installing.
  INTERFACE_LINK_LIBRARIES "-Wl,--push-state,--no-as-needed,${ZIPLORA_TORCH_DIR}/lib/libtorch.so,--pop-state;${ZIPLORA_TORCH_DIR}/lib/libtorch_cpu.so;${ZIPLORA_TORCH_DIR}/lib/libc10.so")
