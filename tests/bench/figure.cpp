#include "figure.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <string_view>

namespace potoo::bench {
namespace {

std::string quoted(std::string_view text)
{
    return boost::json::serialize(boost::json::value(boost::json::string(text)));
}

// Digits beyond the fourth are noise in every figure.
std::string number(double n)
{
    return fmt::format("{}", std::stod(fmt::format("{:.4g}", n)));
}

std::string words(const bound& b)
{
    return fmt::format("{} {} {}", b.what == bound::of::value ? "value" : "ratio",
                       b.at_most ? "<=" : ">=", number(b.limit));
}

std::string judged(const bound& b, std::string_view name, std::string_view met, double value,
                   std::optional<double> ratio)
{
    std::string text = fmt::format(", \"{}\": {}", name, quoted(words(b)));
    if (b.what == bound::of::value || ratio)
        text += fmt::format(", \"{}\": {}", met, b.holds(value, ratio));
    return text;
}

} // namespace

bool bound::holds(double value, std::optional<double> ratio) const
{
    const double measured = what == of::value ? value : ratio.value();
    return at_most ? measured <= limit : measured >= limit;
}

void print(const figure& f)
{
    std::string line =
        fmt::format("{{\"figure\": {}, \"value\": {}, \"unit\": {}", quoted(f.name), number(f.value), quoted(f.unit));
    std::optional<double> ratio;
    if (f.peer) {
        line += fmt::format(", \"peer\": {}", quoted(f.peer->name));
        if (f.peer->value) {
            ratio = f.value / *f.peer->value;
            line += fmt::format(", \"peer_value\": {}, \"ratio\": {}", number(*f.peer->value), number(*ratio));
        } else {
            line += fmt::format(", \"peer_trouble\": {}", quoted(f.peer->trouble));
        }
    }
    if (f.goal)
        line += judged(*f.goal, "goal", "met", f.value, ratio);
    if (f.beyond)
        line += judged(*f.beyond, "beyond", "beyond_met", f.value, ratio);
    if (!f.note.empty())
        line += fmt::format(", \"note\": {}", quoted(f.note));
    std::fputs((line + "}\n").c_str(), stdout);
    std::fflush(stdout);
}

void say(const std::string& text)
{
    std::fprintf(stderr, "# %s\n", text.c_str());
}

} // namespace potoo::bench
