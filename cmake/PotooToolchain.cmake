# What every target is compiled with, and the compilers that are refused.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles ordinary coroutines (a co_await in a condition crashes, awaited "
    "aggregates and capturing lambdas are destroyed twice), so potoo is not built with it.\n"
    "Use clang++-19 (cmake --preset dev) or g++ 13 or newer.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)

set(POTOO_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")
option(POTOO_FUZZ "Instrument for libFuzzer, and build tests/fuzz" OFF)
if(POTOO_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(WARNING "tests/fuzz is left out: libFuzzer comes with clang, and this build uses ${CMAKE_CXX_COMPILER_ID}")
  set(POTOO_FUZZ OFF)
endif()

find_program(POTOO_CCACHE ccache)
if(POTOO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header is only cached when these two are tolerated.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${POTOO_CCACHE})
endif()

# Options of this project's own code; the installed headers ask nothing of this kind of their user.
add_library(potoo_options INTERFACE)
target_compile_options(potoo_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(potoo_options INTERFACE -Wno-gnu-zero-variadic-macro-arguments -Wno-nested-anon-types)
endif()
if(POTOO_FUZZ)
  # Programs other than the fuzzers link as ever: the instrumentation's callbacks are in the sanitizers' runtime.
  target_compile_options(potoo_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(POTOO_SANITIZE)
  target_compile_options(potoo_options INTERFACE -fsanitize=${POTOO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(potoo_options INTERFACE -fsanitize=${POTOO_SANITIZE})
endif()

find_program(POTOO_LLD NAMES ld.lld-19 ld.lld)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND POTOO_LLD)
  add_link_options(--ld-path=${POTOO_LLD})
endif()
