# Installs potoo into WORK_DIR, builds the examples against it as their readers would, and runs them.
# Given: BUILD_DIR EXAMPLES WORK_DIR COMPILER LAUNCHER GENERATOR SANITIZE
cmake_minimum_required(VERSION 3.25)

# run(NAME [EXIT code] [IN directory] [SAYS text…] COMMAND …): ends the test unless the command does as it should.
function(run name)
  cmake_parse_arguments(arg "" "EXIT;IN" "SAYS;COMMAND" ${ARGN})
  if(NOT DEFINED arg_EXIT)
    set(arg_EXIT 0)
  endif()
  if(NOT arg_IN)
    set(arg_IN ${WORK_DIR})
  endif()
  execute_process(COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${arg_IN} RESULT_VARIABLE code
    OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT 600)
  if(NOT code STREQUAL arg_EXIT)
    message(FATAL_ERROR "${name}: exit code ${code} instead of ${arg_EXIT}\n${output}")
  endif()
  foreach(text IN LISTS arg_SAYS)
    string(FIND "${output}" "${text}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "${name}: `${text}` is not in:\n${output}")
    endif()
  endforeach()
  message(STATUS "${name}: as it should")
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
set(prefix ${WORK_DIR}/prefix)
set(potoo ${prefix}/bin/potoo)

run("install" COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})
if(IS_DIRECTORY ${prefix}/include/engine)
  message(FATAL_ERROR "headers of engine/ are installed")
endif()

file(COPY ${EXAMPLES}/own_operator ${EXAMPLES}/own_backend ${EXAMPLES}/embedding DESTINATION ${WORK_DIR})
set(configure ${CMAKE_COMMAND} -B build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${prefix})
if(LAUNCHER)
  list(APPEND configure -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
endif()
if(SANITIZE)
  list(APPEND configure -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE})
endif()

set(own ${WORK_DIR}/own_operator)
run("configure own_operator" IN ${own} COMMAND ${configure})
run("build own_operator" IN ${own} COMMAND ${CMAKE_COMMAND} --build build)
run("a DAG that names its plugin" IN ${own} COMMAND ${potoo} run dag.yaml --ephemeral --json
  SAYS "\"type\":\"run_finished\"" "\"state\":\"success\"")
run("the patterns" IN ${own} COMMAND ${potoo} run patterns.yaml --ephemeral)
run("the same from another directory" COMMAND ${potoo} run own_operator/dag.yaml --ephemeral)
file(READ ${own}/dag.yaml text)
string(REGEX REPLACE "plugins:[^\n]*\n" "" text "${text}")
file(WRITE ${WORK_DIR}/without.yaml "${text}")
run("--plugin" COMMAND ${potoo} run without.yaml --ephemeral --plugin own_operator/build/libmy_ops.so)
run("no plugin" EXIT 2 COMMAND ${potoo} run without.yaml --ephemeral SAYS "without.yaml:" "count_words")
run("an operator of a plugin describes itself" SAYS "Bakes a cake" "How long it bakes"
  COMMAND ${potoo} operators bake --plugin own_operator/build/libmy_ops.so)
run("a file that is no plugin" EXIT 2 SAYS "the plugin" "is not an ELF file"
  COMMAND ${potoo} run without.yaml --ephemeral --plugin without.yaml)

set(backend ${WORK_DIR}/own_backend)
run("configure own_backend" IN ${backend} COMMAND ${configure})
run("build own_backend" IN ${backend} COMMAND ${CMAKE_COMMAND} --build build)
run("its DAG" IN ${backend} SAYS "is valid: 2 tasks" COMMAND ${potoo} validate dag.yaml)

set(embedding ${WORK_DIR}/embedding)
run("configure embedding" IN ${embedding} COMMAND ${configure})
run("build embedding" IN ${embedding} COMMAND ${CMAKE_COMMAND} --build build)
run("the embedding program" IN ${embedding} COMMAND ${embedding}/build/bakery
  SAYS "cakes: success" "the shop has lemon cake, plum cake" "the run ended: success (2 tasks)" "the clock ticked\n")

find_program(OTHER_COMPILER g++)
if(OTHER_COMPILER AND COMPILER MATCHES "clang")
  run("another compiler is refused" EXIT 1 IN ${own} SAYS "this potoo was built with Clang" "-DCMAKE_CXX_COMPILER=clang++-"
    COMMAND ${CMAKE_COMMAND} -B other -DCMAKE_CXX_COMPILER=${OTHER_COMPILER} -DCMAKE_PREFIX_PATH=${prefix})
endif()
