# ziplora_system_library(NAME SHARED targets ARCHIVES names)  what a folder links of the system: ziplora_system_<NAME>
#
# Most programs link the shared libraries. One with the property ZIPLORA_PORTABLE links the archives in their place, lib<name>.a
# in the linker's order, and so runs where none of the packages are installed. Where an archive is missing, it links the
# shared library, and configuring says so.

function(ziplora_system_library name)
  cmake_parse_arguments(ARG "" "" "SHARED;ARCHIVES" ${ARGN})
  set(archives)
  foreach(archive ${ARG_ARCHIVES})
    find_library(ZIPLORA_ARCHIVE_${archive} lib${archive}.a)
    if(NOT ZIPLORA_ARCHIVE_${archive})
      message(STATUS "The wheel's program will need the shared library of ${name}, since lib${archive}.a is not here")
      set(archives ${ARG_SHARED})
      break()
    endif()
    list(APPEND archives ${ZIPLORA_ARCHIVE_${archive}})
  endforeach()
  add_library(ziplora_system_${name} INTERFACE)
  set(portable $<BOOL:$<TARGET_PROPERTY:ZIPLORA_PORTABLE>>)
  target_link_libraries(ziplora_system_${name} INTERFACE "$<${portable}:${archives}>" "$<$<NOT:${portable}>:${ARG_SHARED}>")
  ziplora_install(ziplora_system_${name})
endfunction()
