# `cmake --install build --component library --prefix PREFIX`: headers, archives and find_package(ziplora). Not part of an
# install without a component, which is the program's.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ziplora)

# ziplora_install(TARGETS…)  as part of the package
function(ziplora_install)
  install(TARGETS ${ARGN} EXPORT ziplora
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/ziplora COMPONENT library EXCLUDE_FROM_ALL)
endfunction()

# ziplora_install_folder(NAME)  as ziplora::NAME, if it is one of ziplora/
function(ziplora_install_folder name)
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${CMAKE_SOURCE_DIR}/ziplora/")
    set_target_properties(ziplora_${name} PROPERTIES EXPORT_NAME ${name})
    ziplora_install(ziplora_${name})
  endif()
endfunction()

configure_file(${CMAKE_CURRENT_LIST_DIR}/ziploraConfig.cmake.in ${CMAKE_BINARY_DIR}/ziploraConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ziploraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ziploraConfig.cmake ${CMAKE_BINARY_DIR}/ziploraConfigVersion.cmake
    ${CMAKE_CURRENT_LIST_DIR}/Dependencies.cmake ${CMAKE_CURRENT_LIST_DIR}/LibTorch.cmake
  DESTINATION ${package} COMPONENT library EXCLUDE_FROM_ALL)
install(EXPORT ziplora NAMESPACE ziplora:: FILE ziploraTargets.cmake DESTINATION ${package} COMPONENT library EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/ziplora DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library EXCLUDE_FROM_ALL
  FILES_MATCHING PATTERN "*.h")
