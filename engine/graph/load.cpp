#include "engine/graph/load.hpp"

#include "engine/graph/dag_reader.hpp"

#include <potoo/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace potoo::graph {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::uint64_t fnv1a(std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return hash;
}

mark place_of_byte(std::string_view source, std::size_t offset)
{
    const auto before = source.substr(0, offset);
    return {static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1,
            static_cast<std::uint32_t>(offset - (before.rfind('\n') + 1)) + 1};
}

bool is_control(char c)
{
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/// What neither reader may be given: bytes that are no text.
bool is_text(std::string_view source, diagnostic_sink& problems)
{
    if (const auto at = find_invalid_utf8(source)) {
        problems.add(place_of_byte(source, *at),
                     fmt::format("the file is not UTF-8: the byte 0x{:02x} is no part of a character here",
                                 static_cast<unsigned char>(source[*at])));
        return false;
    }
    const auto control = std::find_if(source.begin(), source.end(), is_control);
    if (control == source.end())
        return true;
    problems.add(
        place_of_byte(source, static_cast<std::size_t>(control - source.begin())),
        fmt::format("the control character 0x{:02x} cannot stand in a DAG file", static_cast<unsigned char>(*control)));
    return false;
}

bool is_json(std::string_view source, std::string_view name, source_format format)
{
    if (format != source_format::by_name)
        return format == source_format::json;
    if (name.ends_with(".json"))
        return true;
    if (name.ends_with(".yaml") || name.ends_with(".yml"))
        return false;
    const auto first = source.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && source[first] == '{';
}

std::string_view without_byte_order_mark(std::string_view source)
{
    return source.starts_with(byte_order_mark) ? source.substr(byte_order_mark.size()) : source;
}

std::optional<document> read_document(std::string_view source, std::string_view name, source_format format,
                                      diagnostic_sink& problems)
{
    if (source.size() > max_source_size) {
        problems.add({}, fmt::format("the file has {} bytes, and at most {} are read", source.size(), max_source_size));
        return std::nullopt;
    }
    if (!is_text(source, problems))
        return std::nullopt;
    return is_json(source, name, format) ? read_json(source, problems) : read_yaml(source, problems);
}

} // namespace

load_result load_dag(std::string source, std::string source_name, const operator_registry& operators,
                     const load_options& options)
{
    load_result result;
    result.source_name = source_name;
    auto loaded = std::make_shared<dag>();
    loaded->source = std::move(source);
    loaded->source_name = std::move(source_name);
    loaded->hash = fnv1a(loaded->source);

    const auto text = without_byte_order_mark(loaded->source);
    diagnostic_sink problems;
    if (const auto document = read_document(text, loaded->source_name, options.format, problems))
        dag_reader(*document, text, operators, options, problems, *loaded).read();
    if (problems.empty())
        result.value = std::move(loaded);
    else
        std::tie(result.problems, result.problems_left_out) = problems.take(text);
    return result;
}

std::vector<std::string> plugins_of(std::string_view source, std::string_view source_name, source_format format)
{
    // Most files have none, and some are long.
    if (source.find("plugins") == std::string_view::npos)
        return {};
    diagnostic_sink ignored;
    const auto document = read_document(without_byte_order_mark(source), source_name, format, ignored);
    if (!document)
        return {};
    const auto plugins = node_view(*document, document->root).find("plugins");
    return plugins ? field_reader(ignored).texts("plugins", *plugins).value_or(std::vector<std::string>())
                   : std::vector<std::string>();
}

std::string format_diagnostics(const load_result& result)
{
    std::string out;
    for (const auto& d : result.problems)
        out += format_diagnostic(result.source_name, d);
    if (result.problems_left_out > 0)
        out += fmt::format("{}: and {} more\n", result.source_name, result.problems_left_out);
    return out;
}

} // namespace potoo::graph
