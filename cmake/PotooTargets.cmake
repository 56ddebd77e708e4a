# How a folder becomes a target. What a target may include follows from what it links, so a dependency that points the
# wrong way does not build.

# Headers that cost seconds a file are compiled once, with their templates instantiated.
function(potoo_use_pch target header)
  target_precompile_headers(${target} PRIVATE ${header})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -fpch-instantiate-templates "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

# potoo_library(NAME … LINK targets…): a static library of all .cpp files of the calling folder; with FOLDERS also of the
# folders in it.
function(potoo_library name)
  cmake_parse_arguments(arg "FOLDERS" "PCH" "LINK;LINK_PRIVATE" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(arg_FOLDERS)
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cpp)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE potoo_options ${arg_LINK_PRIVATE})
  if(arg_PCH)
    potoo_use_pch(${name} ${CMAKE_SOURCE_DIR}/cmake/pch/${arg_PCH}.hpp)
  endif()
endfunction()

# potoo_link_unseen(NAME targets…): whoever links NAME links these as well, and none of their headers can be included for it.
function(potoo_link_unseen name)
  foreach(target ${ARGN})
    target_link_libraries(${name} INTERFACE $<LINK_ONLY:${target}>)
  endforeach()
endfunction()

# potoo_test(NAME files… LINK targets…): a Boost.Test program that ctest runs.
function(potoo_test name)
  cmake_parse_arguments(arg "" "PCH" "LINK;LABELS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE potoo_options potoo_test_main ${arg_LINK})
  if(arg_PCH)
    potoo_use_pch(${name} ${CMAKE_SOURCE_DIR}/cmake/pch/${arg_PCH}.hpp)
  endif()
  add_test(NAME ${name} COMMAND ${name} --report_level=short --log_level=test_suite)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()
