#include "engine/runtime/secret_resolver.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>
#include <potoo/loop.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace potoo::runtime {
namespace {

constexpr std::size_t max_secret_size = 64 * 1024;
constexpr std::size_t most_complaints = 1024;
/// A command that hangs must not hold up a run for ever.
constexpr duration time_to_print{60'000};

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

/// What a program printed.
struct printed
{
    std::string text;
    std::string complaints; ///< the end of standard error

    void add(output_stream stream, std::string_view piece)
    {
        if (stream == output_stream::standard_output && text.size() <= max_secret_size)
            text += piece;
        if (stream != output_stream::standard_error)
            return;
        complaints += piece;
        if (complaints.size() > most_complaints)
            complaints.erase(0, complaints.size() - most_complaints);
    }

    [[nodiscard]] std::string last_complaint() const
    {
        const auto end = complaints.find_last_not_of("\r\n ");
        if (end == std::string::npos)
            return {};
        const auto begin = complaints.find_last_of('\n', end) + 1;
        return ": " + complaints.substr(begin, end + 1 - begin);
    }
};

std::string problem_of(const std::optional<process_end>& end, const printed& out)
{
    if (!end)
        return fmt::format("has not ended within {}", format_duration(time_to_print));
    if (end->signal != 0)
        return fmt::format("was killed by signal {}{}", end->signal, out.last_complaint());
    if (end->exit_code != 0)
        return fmt::format("ended with exit code {}{}", end->exit_code, out.last_complaint());
    return {};
}

task<std::string> from_command(const graph::secret_source& s, process_runner& processes)
{
    process_spec spec;
    spec.arguments = s.argument;
    spec.environment = whole_environment();
    spec.grace = duration(1'000);
    printed out;
    const auto collect = [&out](output_stream stream, std::string_view piece) { out.add(stream, piece); };
    std::string problem;
    try {
        branch& here = co_await this_branch();
        auto work = processes.run(std::move(spec), collect);
        const auto end = co_await in_time(std::move(work), here.loop().now() + time_to_print);
        problem = problem_of(end, out);
    } catch (const task_error& e) {
        problem = e.what();
    }
    if (!problem.empty())
        throw secret_error(fmt::format("secret `{}`: the command {} {}", s.name, s.argument.front(), problem));
    co_return without_line_end(std::move(out.text));
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
        if (text.empty())
            throw secret_error(fmt::format("secret `{}` is empty", s.name));
        if (!mask.add(text))
            throw secret_error(
                fmt::format("secret `{}`: shorter than three characters, which could not be masked in logs", s.name));
        all[s.name] = std::move(text);
    }
    co_return all;
}

} // namespace potoo::runtime
