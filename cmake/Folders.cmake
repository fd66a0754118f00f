# ziplora_library(NAME SOURCES … DEPENDS … LIBRARIES …)  one folder, one static library, one set of allowed includes;
#                                                        PCH: a precompiled header of its own, in place of all folders'
# ziplora_unit_tests(NAME SOURCES …)                     the folder's *_test.cpp files, with ZIPLORA_BUILD_TESTS: one binary,
#                                                        one entry for ctest, since a start costs as much as many a case
# SEPARATE in either: the files use one name for several things, so each is a unit of its own even with ZIPLORA_UNITY;
# ALONE …: these files do (each kind of adapter has its `missing`), the others go together.
if(ZIPLORA_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# fmt is header-only here: the torch wheel carries fmt headers of its own, newer than the system library they would link.
add_library(ziplora_options INTERFACE)
target_compile_options(ziplora_options INTERFACE $<BUILD_INTERFACE:-Wall -Wextra -Wpedantic -Wno-unused-parameter
  $<$<BOOL:${ZIPLORA_WERROR}>:-Werror>>)
# What gcc 12's optimizer suspects inside std::string and nlohmann::json is not so (bug 105329 and its kind).
foreach(guess array-bounds dangling-pointer free-nonheap-object maybe-uninitialized restrict stringop-overflow stringop-overread)
  target_compile_options(ziplora_options INTERFACE $<BUILD_INTERFACE:$<$<BOOL:${ZIPLORA_WERROR}>:-Wno-error=${guess}>>)
endforeach()
target_include_directories(ziplora_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(ziplora_options INTERFACE cxx_std_20)
target_link_libraries(ziplora_options INTERFACE ziplora_torch nlohmann_json::nlohmann_json fmt::fmt-header-only)
ziplora_install(ziplora_options)
set(sanitizers ${ZIPLORA_SANITIZE})
if(ZIPLORA_FUZZ)
  set(sanitizers address,undefined)
endif()
if(sanitizers)
  target_compile_options(ziplora_options INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all
    -fno-omit-frame-pointer $<$<BOOL:${ZIPLORA_FUZZ}>:-fsanitize=fuzzer-no-link>)
  target_link_options(ziplora_options INTERFACE -fsanitize=${sanitizers})
endif()

# The precompiled header makes a unit take 3 s instead of 14 s; no source file relies on it for its includes.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
add_library(ziplora_pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(ziplora_pch PUBLIC ziplora_options)
target_precompile_headers(ziplora_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)

# Tests are not optimized, which would be 40 % of compiling them. What they test has the flags that it ships with.
if(ZIPLORA_BUILD_TESTS)
  file(WRITE ${CMAKE_BINARY_DIR}/test_pch.cpp "")
  add_library(ziplora_test_pch STATIC ${CMAKE_BINARY_DIR}/test_pch.cpp)
  target_link_libraries(ziplora_test_pch PUBLIC ziplora_options GTest::gtest)
  target_compile_options(ziplora_test_pch PRIVATE $<$<CONFIG:Release>:-O0>)
  target_precompile_headers(ziplora_test_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h <gtest/gtest.h>)
endif()

# With ZIPLORA_UNITY several files are compiled as one, which reads the headers once for all of them.
function(ziplora_unity target separate)
  if(NOT separate)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${ZIPLORA_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

function(ziplora_library name)
  cmake_parse_arguments(ARG "SEPARATE" "PCH" "SOURCES;ALONE;DEPENDS;LIBRARIES" ${ARGN})
  list(TRANSFORM ARG_DEPENDS PREPEND ziplora_)
  if(NOT ARG_SOURCES)
    add_library(ziplora_${name} INTERFACE)
    target_link_libraries(ziplora_${name} INTERFACE ziplora_options ${ARG_DEPENDS} ${ARG_LIBRARIES})
    ziplora_install_folder(${name})
    return()
  endif()
  add_library(ziplora_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(ziplora_${name} PUBLIC ziplora_options ${ARG_DEPENDS} ${ARG_LIBRARIES})
  if(ARG_PCH)
    target_precompile_headers(ziplora_${name} PRIVATE ${ARG_PCH})
  else()
    target_precompile_headers(ziplora_${name} REUSE_FROM ziplora_pch)
  endif()
  ziplora_unity(ziplora_${name} ${ARG_SEPARATE})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  ziplora_install_folder(${name})
endfunction()

# TEST: it is a test, with GoogleTest
function(ziplora_executable name)
  cmake_parse_arguments(ARG "SEPARATE;TEST" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  list(TRANSFORM ARG_DEPENDS PREPEND ziplora_)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ziplora_options ${ARG_DEPENDS} ${ARG_LIBRARIES})
  if(ARG_TEST)
    target_precompile_headers(${name} REUSE_FROM ziplora_test_pch)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  else()
    target_precompile_headers(${name} REUSE_FROM ziplora_pch)
  endif()
  ziplora_unity(${name} ${ARG_SEPARATE})
endfunction()

# What `tools/sanitize.sh` builds: the unit tests and what they need, not the program.
add_custom_target(unit_tests)

function(ziplora_add_test name program)
  add_test(NAME ${name} COMMAND ${program} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1;ASAN_OPTIONS=detect_leaks=0")
endfunction()

function(ziplora_unit_tests name)
  if(NOT ZIPLORA_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SEPARATE" "" "SOURCES;DEPENDS" ${ARGN})
  set(separate)
  if(ARG_SEPARATE)
    set(separate SEPARATE)
  endif()
  ziplora_executable(${name}_test TEST ${separate} SOURCES ${ARG_SOURCES} DEPENDS ${name} ${ARG_DEPENDS} LIBRARIES GTest::gtest_main)
  add_dependencies(unit_tests ${name}_test)
  ziplora_add_test(${name} ${name}_test)
endfunction()
