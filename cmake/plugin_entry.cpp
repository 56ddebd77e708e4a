// Compiled into every plugin by potoo_add_operators, with POTOO_VERSION set.
#include <potoo/plugin.hpp>

#if defined(__has_attribute)
#if __has_attribute(retain)
#define POTOO_RETAIN , retain
#endif
#endif
#if !defined(POTOO_RETAIN)
#define POTOO_RETAIN
#endif

namespace {

// Read from the file by its section: a linker that drops unreferenced sections must leave it.
__attribute__((used, section(POTOO_STAMP_SECTION) POTOO_RETAIN)) const char stamp[] = POTOO_STAMP(POTOO_VERSION);

} // namespace

extern "C" __attribute__((visibility("default"))) const char* potoo_plugin_abi()
{
    return stamp;
}
