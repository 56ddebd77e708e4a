#include "engine/runtime/secret_resolver.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace potoo::runtime {
namespace {

constexpr std::size_t max_secret_size = 64 * 1024;

std::string without_line_end(std::string text)
{
    if (text.ends_with('\n'))
        text.pop_back();
    if (text.ends_with('\r'))
        text.pop_back();
    return text;
}

std::string from_environment(const graph::secret_source& s)
{
    const char* value = std::getenv(s.argument.front().c_str());
    if (!value)
        throw secret_error(
            fmt::format("secret `{}`: the environment variable {} is not set", s.name, s.argument.front()));
    return value;
}

std::string from_file(const graph::secret_source& s)
{
    std::ifstream in(s.argument.front(), std::ios::binary);
    if (!in)
        throw secret_error(fmt::format("secret `{}`: cannot read the file {}", s.name, s.argument.front()));
    std::string text(max_secret_size + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return without_line_end(std::move(text));
}

std::vector<std::string> whole_environment()
{
    std::vector<std::string> all;
    for (char** e = environ; e && *e; ++e)
        all.emplace_back(*e);
    return all;
}

task<std::string> from_command(const graph::secret_source& s, process_runner& processes)
{
    process_spec spec;
    spec.arguments = s.argument;
    spec.environment = whole_environment();
    std::string text;
    const auto collect = [&text](output_stream stream, std::string_view piece) {
        if (stream == output_stream::standard_output && text.size() <= max_secret_size)
            text += piece;
    };
    std::string problem;
    try {
        const process_end end = co_await processes.run(std::move(spec), collect);
        if (end.signal != 0)
            problem = fmt::format("was killed by signal {}", end.signal);
        else if (end.exit_code != 0)
            problem = fmt::format("ended with exit code {}", end.exit_code);
    } catch (const task_error& e) {
        problem = e.what();
    }
    if (!problem.empty())
        throw secret_error(fmt::format("secret `{}`: the command {} {}", s.name, s.argument.front(), problem));
    co_return without_line_end(std::move(text));
}

task<std::string> resolve(const graph::secret_source& s, process_runner& processes)
{
    switch (s.from) {
    case graph::secret_source::kind::environment:
        co_return from_environment(s);
    case graph::secret_source::kind::file:
        co_return from_file(s);
    case graph::secret_source::kind::command:
        break;
    }
    auto text = co_await from_command(s, processes);
    co_return text;
}

} // namespace

task<json::object> resolve_secrets(std::span<const graph::secret_source> secrets, process_runner& processes,
                                   secret_mask& mask)
{
    json::object all;
    for (const graph::secret_source& s : secrets) {
        std::string text = co_await resolve(s, processes);
        if (text.size() > max_secret_size)
            throw secret_error(fmt::format("secret `{}`: longer than {} bytes", s.name, max_secret_size));
        if (!mask.add(text))
            throw secret_error(
                fmt::format("secret `{}`: shorter than three characters, which could not be masked in logs", s.name));
        all[s.name] = std::move(text);
    }
    co_return all;
}

} // namespace potoo::runtime
