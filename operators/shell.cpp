#include "shell_output.hpp"
#include "shell_script.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>
#include <potoo/utf8.hpp>

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace {

using namespace potoo;
using namespace potoo::shell;

constexpr std::size_t longest_quoted_error = 500;

using variables = std::map<std::string, std::string>;

void set_from(variables& to, const json::object& env)
{
    for (const auto& [name, value] : env) {
        if (name.empty() || name.find('=') != std::string_view::npos)
            throw fatal(fmt::format("with.env: `{}` is no name of an environment variable", std::string_view(name)));
        if (value.is_null())
            to.erase(std::string(name));
        else
            to[std::string(name)] = text_of(value);
    }
}

variables engine_environment()
{
    variables out;
    for (char** v = environ; v && *v; ++v) {
        const std::string_view text = *v;
        const std::size_t end = text.find('=');
        if (end != std::string_view::npos)
            out.emplace(text.substr(0, end), text.substr(end + 1));
    }
    return out;
}

variables environment_of(const context& ctx, const output_file& file)
{
    variables out = engine_environment();
    for (const auto& [name, value] : ctx.environment())
        out[name] = value;
    if (const json::value* env = ctx.input().if_contains("env"))
        set_from(out, env->as_object());
    out["POTOO_OUTPUT"] = file.path();
    out["POTOO_RUN"] = ctx.run().value();
    out["POTOO_TASK"] = ctx.task_name();
    out["POTOO_ITEM"] = std::to_string(ctx.item().value());
    out["POTOO_ATTEMPT"] = std::to_string(ctx.attempt().value());
    out["POTOO_TOKEN"] = ctx.token().value();
    return out;
}

std::vector<std::string> arguments_from(const json::value& command)
{
    if (!command.is_array())
        throw fatal(fmt::format("with.command: is {}: it must be a command line or a list of arguments; a value of an "
                                "expression is never run as a command line, but [sh, -c, \"${{{{ … }}}}\"] does that",
                                json::serialize(command)));
    std::vector<std::string> out;
    for (const json::value& argument : command.get_array())
        out.push_back(text_of(argument));
    if (out.empty())
        throw fatal("with.command: is an empty list: its first element must be the program");
    return out;
}

/// The arguments, and the variables that a command line takes its values from.
std::vector<std::string> command_of(const context& ctx, variables& env)
{
    const std::optional<value_template> command = ctx.late("command");
    if (!command)
        throw fatal("with.command: is missing");
    if (command->is_string()) {
        script s = make_script(command->parts(), ctx.names());
        for (auto& [name, value] : s.variables)
            env[name] = std::move(value);
        return {"/bin/sh", "-c", std::move(s.text)};
    }
    try {
        return arguments_from(command->render(ctx.names()));
    } catch (const expression_error& e) {
        throw fatal(fmt::format("with.command: {}", e.what()));
    }
}

std::string text_property(const json::object& with, std::string_view name)
{
    const json::value* v = with.if_contains(name);
    return v ? text_of(*v) : std::string();
}

process_spec specify(const context& ctx, const output_file& file)
{
    process_spec spec;
    variables env = environment_of(ctx, file);
    spec.arguments = command_of(ctx, env);
    for (const auto& [name, value] : env)
        spec.environment.push_back(fmt::format("{}={}", name, value));
    spec.directory = text_property(ctx.input(), "cwd");
    spec.input = text_property(ctx.input(), "stdin");
    if (const json::value* grace = ctx.input().if_contains("grace")) {
        const auto parsed = parse_duration(std::string_view(grace->as_string()));
        if (!parsed)
            throw fatal(fmt::format("with.grace: must be a duration such as 10s, not {}", json::serialize(*grace)));
        spec.grace = *parsed;
    }
    return spec;
}

void check_end(const context& ctx, process_end end, const last_line& error_line)
{
    if (end.signal != 0) {
        const char* name = ::sigabbrev_np(end.signal);
        throw failure(name ? fmt::format("killed by signal {} ({})", end.signal, name)
                           : fmt::format("killed by signal {}", end.signal),
                      fmt::format("signal_{}", end.signal));
    }
    if (end.exit_code == 0)
        return;
    std::string message = fmt::format("exit code {}", end.exit_code);
    if (!error_line.text().empty())
        message += fmt::format(": {}{}", valid_utf8(error_line.text()), error_line.cut() ? "…" : "");
    const json::value* skips = ctx.input().if_contains("skip_exit_code");
    if (skips && skips->to_number<int>() == end.exit_code)
        throw skip(message);
    throw failure(message, fmt::format("exit_{}", end.exit_code));
}

json::value as_text(context& ctx, std::string_view text)
{
    std::string valid = valid_utf8(text);
    if (valid != text)
        ctx.log("the output is not valid UTF-8: what is not was replaced");
    return json::value(valid);
}

json::value from_file(context& ctx, std::string_view form, const std::string& content)
{
    if (form != "text")
        return parse_output_file(content);
    std::string_view text = content;
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    return as_text(ctx, text);
}

json::value from_line(context& ctx, std::string_view form, const last_line& line)
{
    if (line.cut())
        throw failure(
            "the last line of output is longer than 1 MiB, the limit of a task's output: put the data elsewhere and "
            "its place into the output, or set `output: none`",
            "output");
    if (line.text().empty() && form != "json")
        return nullptr;
    if (form != "text") {
        auto value = try_parse(line.text());
        if (value)
            return std::move(*value);
    }
    if (form == "json")
        throw failure(line.text().empty() ? "there is no output, and `output: json` asks for some"
                                          : "the last line of output is not JSON, and `output: json` asks for that",
                      "output");
    return as_text(ctx, line.text());
}

json::value output_of(context& ctx, const output_file& file, const last_line& line)
{
    std::string form = text_property(ctx.input(), "output");
    if (form.empty())
        form = "auto";
    if (form == "none")
        return nullptr;
    const std::optional<std::string> content = file.read();
    return content ? from_file(ctx, form, *content) : from_line(ctx, form, line);
}

task<json::value> run_shell(context& ctx)
{
    const output_file file;
    last_line output_line(output_limit);
    last_line error_line(longest_quoted_error);
    const auto sink = [&](output_stream stream, std::string_view piece) {
        ctx.log_output(stream, piece);
        (stream == output_stream::standard_output ? output_line : error_line).add(piece);
    };
    process_spec spec = specify(ctx, file);
    const process_end end = co_await ctx.processes().run(std::move(spec), sink);
    check_end(ctx, end, error_line);
    co_return output_of(ctx, file, output_line);
}

} // namespace

POTOO_OPERATOR("shell", run_shell,
               {.summary = "Runs a command on this machine.",
                .schema = R"json({
  "type": "object",
  "additionalProperties": false,
  "required": ["command"],
  "properties": {
    "command": {
      "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1}],
      "description": "A command line for /bin/sh, or a list of the program and its arguments. In a command line each ${{ }} reaches the shell as a quoted environment variable, so a value is always one word (or a part of one) and never code; in a list it is one argument."
    },
    "env": {
      "type": "object",
      "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
      "description": "Environment variables, laid over those of the engine and the task's env; null removes one. POTOO_OUTPUT, POTOO_RUN, POTOO_TASK, POTOO_ITEM, POTOO_ATTEMPT and POTOO_TOKEN are always set."
    },
    "cwd": {"type": "string", "minLength": 1, "description": "The directory to run in. Default: the engine's."},
    "stdin": {"description": "What the command reads from standard input: text as it is, anything else as JSON. Default: nothing."},
    "grace": {"type": "string", "format": "duration", "description": "When the task is cancelled the command's process group gets the signal TERM, and KILL after this long. What left the group (setsid) is out of reach. Default 10s."},
    "output": {
      "enum": ["auto", "json", "text", "none"],
      "description": "How the task's output is read. auto: the file $POTOO_OUTPUT, which must hold JSON; if that is empty, the last line on standard output that is not blank, as JSON if it is JSON, else as a string; null if there is none. json: the same, but it must be there and be JSON. text: always a string. none: null. Default auto. At most 1 MiB."
    },
    "skip_exit_code": {"type": "integer", "minimum": 1, "maximum": 255, "description": "An exit code with which the task ends skipped. Default: none."}
  }
})json",
                .example = R"(align:
  operator: shell
  with:
    command: ./align.sh --sample "${{ params.sample }}" > result.bam
    cwd: /data
    env: {THREADS: 4}
)",
                .late = "command"})
