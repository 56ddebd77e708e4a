#include "submission.hpp"

#include "bad_request.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace job_service {

namespace json = boost::json;

namespace {

constexpr std::size_t token_limit = 256;
constexpr std::string_view builtin_prefix = "builtin:";
constexpr double longest_sleep_seconds = 30.0 * 86'400;

std::string place_in(std::string_view body, std::size_t offset)
{
    const auto before = body.substr(0, std::min(offset, body.size()));
    const auto line = 1 + std::ranges::count(before, '\n');
    const auto newline = before.rfind('\n');
    const auto column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    return fmt::format("line {} column {}", line, column);
}

std::string text_from(std::string_view where, const json::value& found)
{
    if (!found.is_string())
        throw bad_request(fmt::format("{}: expected a string, found {}", where, kind_of(found)));
    const std::string_view text = found.get_string();
    if (text.find('\0') != std::string_view::npos)
        throw bad_request(fmt::format("{}: must not contain a NUL character", where));
    return std::string(text);
}

std::vector<std::string> command_from(const json::value& found)
{
    if (found.is_string())
        return {"/bin/sh", "-c", text_from("command", found)};
    if (!found.is_array())
        throw bad_request(
            fmt::format("command: expected an array of strings or a shell line, found {}", kind_of(found)));
    std::vector<std::string> command;
    for (const auto& argument : found.get_array())
        command.push_back(text_from(fmt::format("command[{}]", command.size()), argument));
    if (command.empty() || command.front().empty())
        throw bad_request("command: expected a program and its arguments, found nothing to run");
    return command;
}

std::vector<std::pair<std::string, std::string>> environment_from(const json::value& found)
{
    if (!found.is_object())
        throw bad_request(fmt::format("env: expected an object of strings, found {}", kind_of(found)));
    std::vector<std::pair<std::string, std::string>> variables;
    for (const auto& [name, value] : found.get_object()) {
        if (name.empty() || name.find_first_of(json::string_view("=\0", 2)) != json::string_view::npos)
            throw bad_request(fmt::format("env: {} is not the name of a variable", json::serialize(json::value(name))));
        variables.emplace_back(name, text_from(fmt::format("env.{}", std::string_view(name)), value));
    }
    return variables;
}

template <typename Number>
Number number_in(std::string_view what, const std::string& text, Number least, Number most)
{
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !(number >= least && number <= most))
        throw bad_request(
            fmt::format("command[1]: expected {} from {} to {}, found {}", what, least, most, quoted(text)));
    return number;
}

builtin builtin_from(const std::vector<std::string>& command)
{
    const auto name = command.front().substr(builtin_prefix.size());
    if (name != "sleep" && name != "succeed" && name != "fail")
        throw bad_request(fmt::format("command[0]: unknown built-in command {}; known are builtin:sleep, "
                                      "builtin:succeed, builtin:fail",
                                      quoted(command.front())));
    if (command.size() > 2 || (command.size() == 1 && name == "sleep"))
        throw bad_request(fmt::format("command: {} takes one argument", command.front()));
    const auto argument = command.size() == 2 ? command[1] : std::string();
    builtin made;
    if (name == "sleep")
        made.duration = std::chrono::nanoseconds(
            static_cast<std::int64_t>(number_in("seconds", argument, 0.0, longest_sleep_seconds) * 1e9));
    else if (name == "succeed")
        made.result = argument;
    else
        made.exit_code = argument.empty() ? 1 : number_in("an exit code", argument, 1, 255);
    return made;
}

std::string token_from(const json::object& document, std::string_view header_token)
{
    std::string token(header_token);
    if (const auto* found = document.if_contains("token"); found && !found->is_null()) {
        token = text_from("token", *found);
        if (!header_token.empty() && token != header_token)
            throw bad_request("token: differs from the header Idempotency-Key; send one of them, or the same");
    }
    if (token.size() > token_limit)
        throw bad_request(fmt::format("token: longer than {} bytes", token_limit));
    return token;
}

} // namespace

std::string_view kind_of(const json::value& found)
{
    switch (found.kind()) {
    case json::kind::null:
        return "null";
    case json::kind::bool_:
        return "a boolean";
    case json::kind::string:
        return "a string";
    case json::kind::array:
        return "an array";
    case json::kind::object:
        return "an object";
    default:
        return "a number";
    }
}

json::object object_in(std::string_view body)
{
    json::stream_parser parser;
    boost::system::error_code error;
    const auto consumed = parser.write_some(body.data(), body.size(), error);
    if (!error && consumed < body.size() && body.find_first_not_of(" \t\r\n", consumed) != std::string_view::npos)
        error = json::error::extra_data;
    if (!error)
        parser.finish(error);
    if (error)
        throw bad_request(fmt::format("body: not JSON at {}: {}", place_in(body, consumed), error.message()));
    auto document = parser.release();
    if (!document.is_object())
        throw bad_request(fmt::format("body: expected a JSON object, found {}", kind_of(document)));
    return std::move(document.get_object());
}

job_request submission_from(const json::object& document, std::string_view header_token)
{
    job_request made;
    for (const auto& [key, value] : document) {
        if (key == "command")
            made.process.command = command_from(value);
        else if (key == "env")
            made.process.env = environment_from(value);
        else if (key == "cwd")
            made.process.cwd = text_from("cwd", value);
        else if (key != "token")
            throw bad_request(
                fmt::format("{}: unknown key; known are command, token, env, cwd", std::string_view(key)));
    }
    if (made.process.command.empty())
        throw bad_request("command: missing; expected an array of strings or a shell line");
    made.token = token_from(document, header_token);
    if (made.process.command.front().starts_with(builtin_prefix))
        made.instead_of_process = builtin_from(made.process.command);
    return made;
}

} // namespace job_service
