#include "engine/cli/display/terminal.hpp"

#include <boost/algorithm/string/predicate.hpp>

#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace potoo::cli {

namespace {

std::string_view variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::size_t number_in(const char* name, std::size_t otherwise)
{
    const long value = std::strtol(std::string(variable(name)).c_str(), nullptr, 10);
    return value > 0 && value < 10'000 ? static_cast<std::size_t>(value) : otherwise;
}

} // namespace

bool locale_is_utf8()
{
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const auto value = variable(name); !value.empty())
            return boost::algorithm::icontains(value, "utf-8") || boost::algorithm::icontains(value, "utf8");
    return false;
}

terminal_traits describe_terminal(int descriptor)
{
    terminal_traits t;
    const auto kind = variable("TERM");
    t.is_terminal = ::isatty(descriptor) == 1 && !kind.empty() && kind != "dumb";
    t.colour = t.is_terminal && variable("NO_COLOR").empty();
    t.utf8 = locale_is_utf8();
    return t;
}

window_size window_of(int descriptor) noexcept
{
    winsize w{};
    if (::ioctl(descriptor, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0)
        return {w.ws_col, w.ws_row};
    return {number_in("COLUMNS", 80), number_in("LINES", 24)};
}

} // namespace potoo::cli
