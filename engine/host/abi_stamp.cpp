#include "engine/host/abi_stamp.hpp"

// The public headers stand for the macros that this program was compiled with.
#include <potoo/asio.hpp>
#include <potoo/plugin.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace potoo::host {

namespace {

using facts = std::vector<std::pair<std::string, std::string>>;

std::string printable(std::string_view text)
{
    constexpr std::size_t longest = 80;
    std::string out(text.substr(0, longest));
    std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
}

std::string_view take_line(std::string_view& text)
{
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

std::optional<facts> read_stamp(std::string_view text)
{
    constexpr std::size_t most_lines = 100;
    constexpr std::string_view separator = ": ";
    text = text.substr(0, text.find('\0'));
    if (!text.ends_with('\n') || take_line(text) != POTOO_STAMP_FORMAT)
        return std::nullopt;
    facts out;
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        const auto end = line.find(separator);
        if (end == std::string_view::npos || out.size() == most_lines)
            return std::nullopt;
        out.emplace_back(printable(line.substr(0, end)), printable(line.substr(end + separator.size())));
    }
    return out;
}

std::string value_of(const facts& all, std::string_view name)
{
    const auto found = std::find_if(all.begin(), all.end(), [name](const auto& f) { return f.first == name; });
    return found == all.end() ? std::string() : found->second;
}

/// `clang 19` is called `clang++-19`.
std::string command_of(std::string_view compiler)
{
    const auto space = compiler.find(' ');
    if (space == std::string_view::npos)
        return std::string(compiler);
    const std::string_view family = compiler.substr(0, space) == "clang" ? "clang++" : compiler.substr(0, space);
    return fmt::format("{}-{}", family, compiler.substr(space + 1));
}

std::string with_dots(std::string boost_version)
{
    std::replace(boost_version.begin(), boost_version.end(), '_', '.');
    return boost_version;
}

} // namespace

std::string_view own_stamp() noexcept
{
    return POTOO_STAMP(POTOO_VERSION);
}

stamp_comparison compare_stamps(std::string_view plugin, std::string_view own)
{
    stamp_comparison result;
    const auto theirs = read_stamp(plugin);
    const facts ours = read_stamp(own).value();
    if (!theirs) {
        result.readable = false;
        return result;
    }
    for (const auto& [name, value] : ours) {
        std::string other = value_of(*theirs, name);
        if (other != value)
            result.differences.push_back({name, std::move(other), value});
    }
    for (const auto& [name, value] : *theirs) {
        if (value_of(ours, name).empty())
            result.differences.push_back({name, value, {}});
    }
    return result;
}

std::string explain_mismatch(const stamp_comparison& c, std::string_view own)
{
    const facts ours = read_stamp(own).value();
    const std::string compiler = command_of(value_of(ours, "compiler"));
    std::string text = c.readable ? "it was not built with what this potoo was built with:\n"
                                  : "its stamp is of a kind that this potoo does not know, so another potoo made it\n";
    const auto say = [](const std::string& value) { return value.empty() ? std::string("says nothing") : value; };
    for (const stamp_difference& d : c.differences)
        text += fmt::format("  {}: plugin {}, potoo {}\n", d.name, say(d.plugin), say(d.own));
    const std::string sanitizer = value_of(ours, "sanitizer");
    text += fmt::format("rebuild it with {} against potoo {} and Boost {}{}: configure its build directory anew with "
                        "-DCMAKE_CXX_COMPILER={}, then cmake --build DIRECTORY --clean-first",
                        compiler, value_of(ours, "potoo"), with_dots(value_of(ours, "Boost")),
                        sanitizer == "none" ? "" : " and with -fsanitize=" + sanitizer, compiler);
    return text;
}

} // namespace potoo::host
