#include "engine/host/state_config.hpp"

#include "engine/graph/field_reader.hpp"
#include "engine/runtime/byte_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>
#include <system_error>

namespace potoo::host {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

constexpr std::array<std::string_view, 3> known_keys{"keep_runs", "keep_for", "limits"};
constexpr std::array<std::string_view, 3> limit_keys{"max_attempts", "max_running", "max_memory"};

constexpr std::array<graph::synonym, 4> synonyms{{
    {"keep", "keep_runs"},
    {"max_runs", "keep_runs"},
    {"retention", "keep_for"},
    {"keep_days", "keep_for"},
}};

constexpr std::array<graph::synonym, 4> limit_synonyms{{
    {"max_rss", "max_memory"},
    {"memory", "max_memory"},
    {"attempts", "max_attempts"},
    {"parallelism", "max_attempts"},
}};

/// Blank lines and comments only.
bool says_nothing(std::string_view text)
{
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto first = text.substr(0, end).find_first_not_of(" \t\r");
        if (first != std::string_view::npos && text[first] != '#')
            return false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

/// A bare number is of days, to most people who write one here.
std::optional<duration> read_keep_for(graph::node_view n, graph::field_reader& fields)
{
    if (n.kind() != graph::node_kind::integer || n.raw().integer < 0)
        return fields.time_span("keep_for", n, duration(0));
    fields.problem(n.where(), fmt::format("`keep_for` must be a duration with its unit, not {}", n.describe()),
                   fmt::format("{}d", n.raw().integer));
    return std::nullopt;
}

std::uint64_t read_size(graph::node_view n, graph::field_reader& fields)
{
    const auto size = n.is_string() ? runtime::parse_byte_size(n.text()) : std::nullopt;
    if (size && *size > 0)
        return *size;
    const bool bare = n.kind() == graph::node_kind::integer && n.raw().integer > 0;
    fields.problem(n.where(),
                   fmt::format("`max_memory` must be a size of memory with its unit, such as 512MiB or 2GiB, not {}",
                               n.describe()),
                   bare ? fmt::format("{}MiB", n.raw().integer) : std::string());
    return 0;
}

void read_limits(graph::node_view n, graph::field_reader& fields, runtime::start_limits& limits)
{
    if (!fields.is_map("limits", n, "limits: {max_attempts: 10000}"))
        return;
    fields.check_keys(n, "`limits`", limit_keys, limit_synonyms);
    const auto read_count = [&](const char* key, std::uint32_t& limit) {
        if (const auto v = n.find(key)) {
            if (const auto most = fields.whole(key, *v, 1, std::numeric_limits<std::uint32_t>::max()))
                limit = static_cast<std::uint32_t>(*most);
        }
    };
    read_count("max_attempts", limits.max_attempts);
    read_count("max_running", limits.max_running);
    if (const auto v = n.find("max_memory"))
        limits.max_memory = read_size(*v, fields);
}

void read_rules(graph::node_view root, graph::field_reader& fields, journal::retention& keep)
{
    if (const auto n = root.find("keep_runs")) {
        if (const auto v = fields.whole("keep_runs", *n, 0, std::numeric_limits<std::uint32_t>::max()))
            keep.keep_runs = static_cast<std::uint32_t>(*v);
    }
    if (const auto n = root.find("keep_for"))
        keep.keep_for = read_keep_for(*n, fields);
}

void read_document(graph::node_view root, graph::field_reader& fields, state_config& out)
{
    if (!fields.is_map("config.yaml", root, "keep_for: 30d"))
        return;
    fields.check_keys(root, "the configuration", known_keys, synonyms);
    read_rules(root, fields, out.keep);
    if (const auto n = root.find("limits"))
        read_limits(*n, fields, out.limits);
}

} // namespace

state_config parse_state_config(const std::string& text, const std::string& name)
{
    state_config out;
    if (says_nothing(text))
        return out;
    graph::diagnostic_sink sink;
    if (const auto document = graph::read_yaml(text, sink)) {
        const graph::node_view root(*document, document->root);
        graph::field_reader fields(sink);
        if (!root.is_null())
            read_document(root, fields, out);
    }
    if (sink.empty())
        return out;
    std::string problems;
    const auto [shown, left_out] = sink.take(text);
    for (const auto& d : shown)
        problems += graph::format_diagnostic(name, d);
    if (left_out > 0)
        problems += fmt::format("{}: and {} more\n", name, left_out);
    throw config_error(problems);
}

state_config read_state_config(const journal::state_layout& layout)
{
    const std::filesystem::path file = layout.directory() / "config.yaml";
    const auto refuse = [&file](const std::string& why) {
        throw config_error(fmt::format("{}: error: {}\n", file.string(), why));
    };
    std::error_code ec;
    const auto status = std::filesystem::status(file, ec);
    if (status.type() == std::filesystem::file_type::not_found)
        return {};
    if (!ec && !std::filesystem::is_regular_file(status))
        refuse("this is not a file");
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    if (!stream.is_open())
        refuse(fmt::format("the file cannot be opened: {}", std::generic_category().message(errno)));
    std::string text(largest_file + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad())
        refuse("the file cannot be read");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > largest_file)
        refuse("the file is too large for a configuration");
    return parse_state_config(text, file.string());
}

} // namespace potoo::host
