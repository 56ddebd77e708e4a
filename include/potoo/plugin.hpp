#pragma once
/// @file
/// The stamp that a plugin carries: what it was compiled with, as far as that decides whether its code and potoo's can
/// share objects. `potoo_add_operators` compiles it into every plugin; an operator's author needs nothing of this file.
///
/// The stamp is text, `name: value` on lines of their own after a line that names its format. It stands in an ELF
/// section of its own so that it can be read from the file: no code of a plugin runs before its stamp was found to be
/// right. `NDEBUG` and the optimisation level are not in it, because no layout depends on them.

#include <boost/version.hpp>

#include <version>

/// Counts up whenever the public headers change in a way that code compiled against the older ones cannot follow.
#define POTOO_PLUGIN_INTERFACE 3

/// The first line of a stamp.
#define POTOO_STAMP_FORMAT "potoo plugin stamp 1"

/// The ELF section that holds the stamp.
#define POTOO_STAMP_SECTION ".potoo_abi"

#define POTOO_STAMP_TEXT_(x) #x
#define POTOO_STAMP_TEXT(x) POTOO_STAMP_TEXT_(x)

#if defined(__clang__)
#define POTOO_STAMP_COMPILER "clang " POTOO_STAMP_TEXT(__clang_major__)
#elif defined(__GNUC__)
#define POTOO_STAMP_COMPILER "g++ " POTOO_STAMP_TEXT(__GNUC__)
#else
#define POTOO_STAMP_COMPILER "unknown"
#endif

#if defined(_GLIBCXX_RELEASE)
#define POTOO_STAMP_LIBRARY "libstdc++ " POTOO_STAMP_TEXT(_GLIBCXX_RELEASE)
#define POTOO_STAMP_LIBRARY_ABI "cxx11=" POTOO_STAMP_TEXT(_GLIBCXX_USE_CXX11_ABI)
#elif defined(_LIBCPP_VERSION)
#define POTOO_STAMP_LIBRARY "libc++ " POTOO_STAMP_TEXT(_LIBCPP_VERSION)
#define POTOO_STAMP_LIBRARY_ABI "abi=" POTOO_STAMP_TEXT(_LIBCPP_ABI_VERSION)
#else
#define POTOO_STAMP_LIBRARY "unknown"
#define POTOO_STAMP_LIBRARY_ABI "unknown"
#endif

#if defined(_GLIBCXX_DEBUG)
#define POTOO_STAMP_LIBRARY_DEBUG "on"
#else
#define POTOO_STAMP_LIBRARY_DEBUG "off"
#endif

#if __cplusplus >= 202302L
#define POTOO_STAMP_LANGUAGE "C++23 or later"
#else
#define POTOO_STAMP_LANGUAGE "C++20"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define POTOO_STAMP_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define POTOO_STAMP_SANITIZER "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POTOO_STAMP_SANITIZER "address"
#elif __has_feature(thread_sanitizer)
#define POTOO_STAMP_SANITIZER "thread"
#elif __has_feature(memory_sanitizer)
#define POTOO_STAMP_SANITIZER "memory"
#endif
#endif
#if !defined(POTOO_STAMP_SANITIZER)
#define POTOO_STAMP_SANITIZER "none"
#endif

#if defined(BOOST_ASIO_SEPARATE_COMPILATION)
#define POTOO_STAMP_ASIO_SEPARATE "on"
#else
#define POTOO_STAMP_ASIO_SEPARATE "off"
#endif
#if defined(BOOST_ASIO_NO_DEPRECATED)
#define POTOO_STAMP_ASIO_NO_DEPRECATED "on"
#else
#define POTOO_STAMP_ASIO_NO_DEPRECATED "off"
#endif
#if defined(BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE)
#define POTOO_STAMP_ASIO_CACHE POTOO_STAMP_TEXT(BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE)
#else
#define POTOO_STAMP_ASIO_CACHE "default"
#endif
#if defined(BOOST_ASIO_DISABLE_THREADS)
#define POTOO_STAMP_ASIO_THREADS "off"
#else
#define POTOO_STAMP_ASIO_THREADS "on"
#endif
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING) || defined(BOOST_ASIO_CUSTOM_HANDLER_TRACKING)
#define POTOO_STAMP_ASIO_TRACKING "on"
#else
#define POTOO_STAMP_ASIO_TRACKING "off"
#endif
#if defined(BOOST_ASIO_USE_TS_EXECUTOR_AS_DEFAULT)
#define POTOO_STAMP_ASIO_EXECUTOR "ts"
#else
#define POTOO_STAMP_ASIO_EXECUTOR "standard"
#endif
#if defined(BOOST_ASIO_HAS_IO_URING) && defined(BOOST_ASIO_DISABLE_EPOLL)
#define POTOO_STAMP_ASIO_REACTOR "io_uring"
#elif defined(BOOST_ASIO_HAS_IO_URING)
#define POTOO_STAMP_ASIO_REACTOR "epoll, io_uring for files"
#else
#define POTOO_STAMP_ASIO_REACTOR "default"
#endif

/// The stamp of the translation unit that says this. `version` is a string literal: the potoo it is compiled against.
#define POTOO_STAMP(version)                                                                                           \
    POTOO_STAMP_FORMAT "\n"                                                                                            \
                       "potoo: " version "\n"                                                                          \
                       "plugin interface: " POTOO_STAMP_TEXT(                                                          \
                           POTOO_PLUGIN_INTERFACE) "\n"                                                                \
                                                   "compiler: " POTOO_STAMP_COMPILER "\n"                              \
                                                   "language: " POTOO_STAMP_LANGUAGE "\n"                              \
                                                   "standard library: " POTOO_STAMP_LIBRARY "\n"                       \
                                                   "standard library ABI: " POTOO_STAMP_LIBRARY_ABI "\n"               \
                                                   "standard library debug mode: " POTOO_STAMP_LIBRARY_DEBUG "\n"      \
                                                   "Boost: " BOOST_LIB_VERSION "\n"                                    \
                                                   "Asio separate compilation: " POTOO_STAMP_ASIO_SEPARATE "\n"        \
                                                   "Asio no deprecated: " POTOO_STAMP_ASIO_NO_DEPRECATED "\n"          \
                                                   "Asio allocator cache: " POTOO_STAMP_ASIO_CACHE "\n"                \
                                                   "Asio threads: " POTOO_STAMP_ASIO_THREADS "\n"                      \
                                                   "Asio handler tracking: " POTOO_STAMP_ASIO_TRACKING "\n"            \
                                                   "Asio default executor: " POTOO_STAMP_ASIO_EXECUTOR "\n"            \
                                                   "Asio reactor: " POTOO_STAMP_ASIO_REACTOR "\n"                      \
                                                   "sanitizer: " POTOO_STAMP_SANITIZER "\n"

extern "C" {
/// The stamp of a loaded plugin. Each plugin exports one.
const char* potoo_plugin_abi();
}
