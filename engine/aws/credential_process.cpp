#include "engine/aws/credential_sources.hpp"
#include "engine/aws/temporary_credentials.hpp"

#include <potoo/process.hpp>

#include <fmt/format.h>

#include <unistd.h>

namespace potoo::aws {
namespace {

constexpr std::size_t most_output = std::size_t{64} << 10;
constexpr std::size_t most_said = 300;
constexpr duration longest_run{60'000};

struct printed
{
    std::string out;
    std::string error;
    process_end end;
};

task<printed> run_command(outside o, std::string command)
{
    process_spec spec;
    spec.arguments = {"sh", "-c", std::move(command)};
    for (char** e = environ; e && *e; ++e)
        spec.environment.emplace_back(*e);
    printed p;
    const output_sink sink = [&p](output_stream s, std::string_view piece) {
        std::string& to = s == output_stream::standard_output ? p.out : p.error;
        to.append(piece.substr(0, most_output - std::min(most_output, to.size())));
    };
    p.end = co_await o.processes.run(std::move(spec), sink);
    co_return p;
}

} // namespace

task<credentials> run_credential_process(outside o, std::string command, std::string profile)
{
    const std::string place = fmt::format("the credential_process of profile {}", profile);
    const auto p = co_await in_time(run_command(o, std::move(command)), o.loop.now() + longest_run);
    if (!p)
        throw failure(fmt::format("{} did not end within {}", place, format_duration(longest_run)), "timed_out");
    if (p->end.signal != 0 || p->end.exit_code != 0)
        throw fatal(fmt::format("{} ended with {} {}: {}", place, p->end.signal ? "signal" : "exit code",
                                p->end.signal ? p->end.signal : p->end.exit_code,
                                p->error.empty() ? "it says nothing" : p->error.substr(0, most_said)),
                    "unauthorized");
    constexpr member_names names{"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
    co_return credentials_of_json(p->out, names, place);
}

} // namespace potoo::aws
