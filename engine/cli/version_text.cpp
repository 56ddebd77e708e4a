#include "engine/cli/version_text.hpp"

#include <boost/version.hpp>
#include <fmt/format.h>

namespace potoo::cli {

std::string version_text()
{
#if defined(__clang__)
    const std::string compiler = fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    const std::string compiler = fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    return fmt::format("potoo {} ({}, libstdc++ {}, Boost {}.{}.{})", POTOO_VERSION, compiler, _GLIBCXX_RELEASE,
                       BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

std::string version_number()
{
    return POTOO_VERSION;
}

} // namespace potoo::cli
