#pragma once
/// @file
/// DAG files in tests: a few operators, and problems as one readable text.

#include "engine/graph/load.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace potoo::graph::test {

inline const operator_registry& known_operators()
{
    static operator_registry registry;
    static const bool filled = [] {
        registry.add("noop", nullptr, {.schema = R"({"type": "object", "additionalProperties": false, "properties": {
                                    "message": {"type": "string", "maxLength": 20}}})"});
        registry.add(
            "shell", nullptr,
            {.summary = "Runs a command.",
             .schema = R"({"type": "object", "additionalProperties": false, "required": ["command"], "properties": {
                                    "command": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                                    "cwd": {"type": "string"}}})"});
        registry.add(
            "http", nullptr,
            {.schema = R"({"type": "object", "additionalProperties": false, "required": ["url"], "properties": {
                                    "url": {"type": "string", "pattern": "^https?://"}, "method": {"enum": ["GET", "POST"]},
                                    "timeout": {"type": "string", "format": "duration"}, "body": {}}})"});
        registry.add("poller", nullptr,
                     {.schema = R"({"type": "object", "additionalProperties": false, "required": ["submit", "state"],
                                    "properties": {"submit": {"type": "object", "required": ["url"], "properties": {
                                    "url": {"type": "string"}}}, "state": {"type": "string"}}})",
                      .late = "state",
                      .late_names = "job"});
        return true;
    }();
    static_cast<void>(filled);
    return registry;
}

/// One problem a line: `line:column: message`, with ` [suggestion]` when there is one. Empty when the file is good.
inline std::string problems_of(std::string source, source_format format = source_format::by_name)
{
    const auto loaded = load_dag(std::move(source), "test.dag", known_operators(), {.format = format});
    std::string out;
    for (const auto& p : loaded.problems)
        out += fmt::format("{}:{}: {}{}\n", p.where.line, p.where.column, p.message,
                           p.suggestion.empty() ? "" : " [" + p.suggestion + "]");
    return out;
}

/// Loads a file that must be good.
inline std::shared_ptr<const dag> load_good(std::string source, source_format format = source_format::by_name)
{
    auto loaded = load_dag(std::move(source), "test.dag", known_operators(), {.format = format});
    if (!loaded.value)
        throw std::runtime_error(format_diagnostics(loaded));
    return loaded.value;
}

} // namespace potoo::graph::test
