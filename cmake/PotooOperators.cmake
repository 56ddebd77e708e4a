# How a file of operators becomes a plugin. Used in this project's tests and, installed, by those who wrote the file.

set(POTOO_PLUGIN_ENTRY ${CMAKE_CURRENT_LIST_DIR}/plugin_entry.cpp CACHE INTERNAL "The stamp of a plugin")

# potoo_add_operators(target sources…): a plugin, lib<target>.so, for `potoo run --plugin` and `plugins:` in a DAG file.
# It is a target like any other: link further libraries to it with target_link_libraries.
function(potoo_add_operators target)
  if(NOT ARGN)
    message(FATAL_ERROR "potoo_add_operators(${target}) is given no source file")
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL POTOO_COMPILER_ID
     OR NOT CMAKE_CXX_COMPILER_VERSION MATCHES "^${POTOO_COMPILER_MAJOR}(\\.|$)")
    message(FATAL_ERROR
      "potoo_add_operators(${target}): potoo ${POTOO_PLUGIN_VERSION} was built with ${POTOO_COMPILER_ID} "
      "${POTOO_COMPILER_MAJOR}, and this project uses ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. Objects of "
      "the two cannot be shared: configure with -DCMAKE_CXX_COMPILER=${POTOO_COMPILER_COMMAND} in an empty build "
      "directory.")
  endif()
  add_library(${target} MODULE ${ARGN} ${POTOO_PLUGIN_ENTRY})
  target_link_libraries(${target} PRIVATE potoo::headers)
  target_compile_definitions(${target} PRIVATE POTOO_VERSION="${POTOO_PLUGIN_VERSION}")
  set_target_properties(${target} PROPERTIES PREFIX lib SUFFIX .so CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
                        CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET default)
  # What of potoo a plugin calls, the program that loads it provides. A function that both have is the plugin's own.
  target_link_options(${target} PRIVATE LINKER:-z,undefs LINKER:-Bsymbolic-functions)
  if(POTOO_PLUGIN_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${POTOO_PLUGIN_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${POTOO_PLUGIN_SANITIZE})
  endif()
endfunction()
