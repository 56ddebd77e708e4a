#include "engine/host/config_document.hpp"

#include "engine/graph/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace potoo::host {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

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

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why)
{
    throw config_error(fmt::format("{}: error: {}\n", file.string(), why));
}

[[noreturn]] void refuse(graph::diagnostic_sink& sink, const std::string& text, const std::string& name)
{
    std::string problems;
    const auto [shown, left_out] = sink.take(text);
    for (const auto& d : shown)
        problems += graph::format_diagnostic(name, d);
    if (left_out > 0)
        problems += fmt::format("{}: and {} more\n", name, left_out);
    throw config_error(problems);
}

} // namespace

std::optional<std::string> read_config_text(const std::filesystem::path& file)
{
    std::error_code ec;
    const auto status = std::filesystem::status(file, ec);
    if (status.type() == std::filesystem::file_type::not_found)
        return std::nullopt;
    if (!ec && !std::filesystem::is_regular_file(status))
        refuse(file, "this is not a file");
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    if (!stream.is_open())
        refuse(file, fmt::format("the file cannot be opened: {}", std::generic_category().message(errno)));
    std::string text(largest_file + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad())
        refuse(file, "the file cannot be read");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > largest_file)
        refuse(file, "the file is too large for a configuration");
    return text;
}

void parse_config(const std::string& text, const std::string& name,
                  const std::function<void(const config_document&)>& read)
{
    if (says_nothing(text))
        return;
    graph::diagnostic_sink sink;
    if (const auto document = graph::read_yaml(text, sink)) {
        const graph::node_view root(*document, document->root);
        graph::field_reader fields(sink);
        if (!root.is_null())
            read({*document, text, root, fields, sink});
    }
    if (!sink.empty())
        refuse(sink, text, name);
}

} // namespace potoo::host
