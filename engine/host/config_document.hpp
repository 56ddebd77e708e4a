#pragma once
/// @file
/// Reading configuration files: YAML maps whose every problem is told with its place.

#include "engine/graph/document.hpp"
#include "engine/graph/field_reader.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::host {

/// The file is wrong. Its text is whole lines, each problem with its place.
class config_error : public std::runtime_error
{
  public:
    explicit config_error(const std::string& text) : std::runtime_error(text) {}
};

/// @return the file's text; nothing when there is no such file @throws config_error when it cannot be read
[[nodiscard]] std::optional<std::string> read_config_text(const std::filesystem::path& file);

/// What a configuration file says, to be read from.
struct config_document
{
    const graph::document& document;
    std::string_view text;
    graph::node_view root;
    graph::field_reader& fields;
    graph::diagnostic_sink& problems;
};

/// Calls `read`, unless the text says nothing.
/// @param name for messages @throws config_error with all that `read` and the YAML reader found
void parse_config(const std::string& text, const std::string& name,
                  const std::function<void(const config_document&)>& read);

} // namespace potoo::host
