# LibTorch from PyPI's torch wheel, as the imported target `ziplora_torch`. CPU and CUDA wheels both work: the
# program uses torch::Device only, so it links the dispatcher and lets the wheel load its own backends.
set(ZIPLORA_TORCH_DIR "" CACHE PATH "The `torch` folder of an installed wheel (default: the one in .venv)")
if(NOT ZIPLORA_TORCH_DIR)
  file(GLOB found ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  list(GET found 0 ZIPLORA_TORCH_DIR)
endif()
if(NOT EXISTS ${ZIPLORA_TORCH_DIR}/include/ATen/core/Tensor.h)
  message(FATAL_ERROR "LibTorch not found in '${ZIPLORA_TORCH_DIR}'; run tools/setup.sh")
endif()

add_library(ziplora_torch INTERFACE)
target_include_directories(ziplora_torch SYSTEM INTERFACE
  ${ZIPLORA_TORCH_DIR}/include ${ZIPLORA_TORCH_DIR}/include/torch/csrc/api/include)
target_link_directories(ziplora_torch INTERFACE ${ZIPLORA_TORCH_DIR}/lib)
set(torch_libraries torch torch_cpu c10)
if(EXISTS ${ZIPLORA_TORCH_DIR}/lib/libtorch_cuda.so)
  list(APPEND torch_libraries -Wl,--no-as-needed torch_cuda c10_cuda -Wl,--as-needed)
endif()
target_link_libraries(ziplora_torch INTERFACE ${torch_libraries} -Wl,-rpath,${ZIPLORA_TORCH_DIR}/lib)
