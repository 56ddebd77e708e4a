#include "engine/host/state_config.hpp"

#include "engine/graph/outside_reader.hpp"
#include "engine/runtime/byte_size.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace potoo::host {

namespace {

constexpr std::array<std::string_view, 3> limit_keys{"max_attempts", "max_running", "max_memory"};

constexpr std::array<graph::synonym, 4> limit_synonyms{{
    {"max_rss", "max_memory"},
    {"memory", "max_memory"},
    {"attempts", "max_attempts"},
    {"parallelism", "max_attempts"},
}};

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

template <class Named>
void lay_by_name(std::vector<Named>& under, const std::vector<Named>& over)
{
    for (const Named& above : over) {
        std::erase_if(under, [&](const Named& below) { return below.name == above.name; });
        under.push_back(above);
    }
}

} // namespace

state_config laid_over(state_config under, const state_config& over)
{
    if (over.keep.keep_runs || over.keep.keep_for)
        under.keep = over.keep;
    const auto lay = [](auto& below, const auto& above) {
        if (above != 0)
            below = above;
    };
    lay(under.limits.max_attempts, over.limits.max_attempts);
    lay(under.limits.max_memory, over.limits.max_memory);
    lay(under.limits.max_running, over.limits.max_running);
    lay_by_name(under.outside.secrets, over.outside.secrets);
    lay_by_name(under.outside.connections, over.outside.connections);
    return under;
}

void read_engine_keys(const config_document& d, const std::filesystem::path& directory, state_config& out)
{
    read_rules(d.root, d.fields, out.keep);
    if (const auto n = d.root.find("limits"))
        read_limits(*n, d.fields, out.limits);
    out.outside = graph::read_outside(d.document, d.text, d.problems);
    for (graph::secret_source& s : out.outside.secrets) {
        if (s.from == graph::secret_source::kind::file && !s.argument.empty())
            s.argument.front() = (directory / s.argument.front()).lexically_normal().string();
    }
}

std::vector<std::string> names_of_secrets(const graph::outside_spec& outside)
{
    std::vector<std::string> names;
    for (const graph::secret_source& s : outside.secrets)
        names.push_back(s.name);
    return names;
}

state_config parse_state_config(const std::string& text, const std::string& name)
{
    state_config out;
    parse_config(text, name, [&](const config_document& d) {
        if (!d.fields.is_map("config.yaml", d.root, "keep_for: 30d"))
            return;
        d.fields.check_keys(d.root, "the configuration", engine_keys, engine_key_synonyms);
        read_engine_keys(d, std::filesystem::path(name).parent_path(), out);
    });
    return out;
}

state_config read_state_config(const journal::state_layout& layout)
{
    const std::filesystem::path file = layout.directory() / "config.yaml";
    const auto text = read_config_text(file);
    return text ? parse_state_config(*text, file.string()) : state_config{};
}

} // namespace potoo::host
