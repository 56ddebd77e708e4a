#include "engine/cli/display/elapsed_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

std::string elapsed_text(duration d)
{
    using namespace std::chrono_literals;
    d = std::max(d, duration{0});
    if (d < 60s)
        return fmt::format("{}.{}s", d / 1s, d % 1s / 100ms);
    return clock_text(d);
}

std::string clock_text(duration d)
{
    using namespace std::chrono_literals;
    d = std::max(d, duration{0});
    if (d < 1h)
        return fmt::format("{}:{:02}", d / 1min, d % 1min / 1s);
    if (d < 24h)
        return fmt::format("{}:{:02}:{:02}", d / 1h, d % 1h / 1min, d % 1min / 1s);
    return fmt::format("{}d {:02}:{:02}:{:02}", d / 24h, d % 24h / 1h, d % 1h / 1min, d % 1min / 1s);
}

std::string instant_text(wall_time t)
{
    std::string text = format_time(t).substr(0, 19);
    text[10] = ' ';
    return text;
}

} // namespace potoo::cli
