#include "credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace potoo::slurm {
namespace {

using std::chrono::seconds;

/// A token is read again this long before it expires, or after three quarters of its life.
constexpr seconds early{60};
/// The controller's clock and the engine's, at most.
constexpr seconds clocks_apart{30};
/// What expires is not read again more often.
constexpr duration shortest_between_reads{2'000};
constexpr duration longest_command{60'000};
constexpr std::size_t longest_token = 16'384;
constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view s)
{
    const auto first = s.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view()
                                           : s.substr(first, s.find_last_not_of(blanks) - first + 1);
}

/// Base64 as URLs spell it, without padding.
std::optional<std::string> decode_base64url(std::string_view text)
{
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        std::uint32_t v = 0;
        if (c >= 'A' && c <= 'Z')
            v = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            v = static_cast<std::uint32_t>(c - 'a') + 26;
        else if (c >= '0' && c <= '9')
            v = static_cast<std::uint32_t>(c - '0') + 52;
        else if (c == '-')
            v = 62;
        else if (c == '_')
            v = 63;
        else
            return std::nullopt;
        bits = (bits << 6U) | v;
        if ((count = (count + 1) % 4) != 1)
            out += static_cast<char>((bits >> static_cast<unsigned>((4 - count) % 4 * 2)) & 0xffU);
    }
    return out;
}

std::optional<std::int64_t> seconds_claim(const json::object& claims, std::string_view name)
{
    const json::value* v = claims.if_contains(name);
    if (!v || !v->is_number())
        return std::nullopt;
    boost::system::error_code ec;
    const auto n = v->to_number<std::int64_t>(ec);
    return ec ? std::nullopt : std::optional(n);
}

std::int64_t in_seconds(wall_time t)
{
    return std::chrono::duration_cast<seconds>(t.time_since_epoch()).count();
}

/// `scontrol token` prints `SLURM_JWT=…`.
std::string checked(std::string_view text, const token_source& source)
{
    text = trimmed(text);
    constexpr std::string_view prefix = "SLURM_JWT=";
    if (text.starts_with(prefix))
        text.remove_prefix(prefix.size());
    if (text.empty())
        throw failure(fmt::format("there is no token for Slurm: {} is empty", source.description()), "no_credentials");
    const bool sendable = text.size() <= longest_token &&
                          std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
    if (!sendable)
        throw fatal(
            fmt::format("{} is no token: it should be one word, as `scontrol token` prints it", source.description()),
            "no_credentials");
    return std::string(text);
}

std::string read_token_file(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw failure(fmt::format("the token for Slurm cannot be read: no file {} that can be opened", path),
                      "no_credentials");
    std::string text(longest_token, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

task<std::string> run_token_command(process_runner& processes, std::vector<std::string> command)
{
    const std::string name = command.front();
    process_spec spec;
    spec.arguments = std::move(command);
    for (char** v = environ; v && *v; ++v)
        spec.environment.emplace_back(*v);
    std::string out;
    std::string trouble;
    const auto take = [&](output_stream s, std::string_view piece) {
        std::string& to = s == output_stream::standard_output ? out : trouble;
        to.append(piece.substr(0, longest_token - std::min(to.size(), longest_token)));
    };
    const auto end = co_await processes.run(std::move(spec), take);
    if (end.signal != 0 || end.exit_code != 0)
        throw failure(fmt::format("the token for Slurm cannot be had: {} ended with {} {}: {}", name,
                                  end.signal != 0 ? "signal" : "exit code",
                                  end.signal != 0 ? end.signal : end.exit_code,
                                  trimmed(std::string_view(trouble).substr(0, 500))),
                      "no_credentials");
    co_return out;
}

} // namespace

token_claims read_claims(std::string_view token)
{
    token_claims c;
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos)
        return c;
    const auto text = decode_base64url(token.substr(first + 1, second - first - 1));
    boost::system::error_code ec;
    const json::value v = text ? json::parse(*text, ec) : json::value();
    const json::object* claims = ec ? nullptr : v.if_object();
    if (!claims)
        return c;
    c.issued = seconds_claim(*claims, "iat");
    c.expires = seconds_claim(*claims, "exp");
    for (const char* name : {"sun", "username"}) {
        const json::value* user = claims->if_contains(name);
        if (c.user.empty() && user && user->is_string())
            c.user = std::string_view(user->get_string());
    }
    return c;
}

std::string token_source::description() const
{
    switch (from) {
    case kind::literal:
        return "the connection's token";
    case kind::variable:
        return fmt::format("the environment variable {}", text);
    case kind::file:
        return fmt::format("the file {}", text);
    case kind::command:
        return fmt::format("the command {}", command.empty() ? std::string() : command.front());
    }
    return {};
}

bool credentials::is_due(wall_time now) const
{
    if (token_.empty())
        return true;
    if (!claims_.expires)
        return false;
    const std::int64_t life = claims_.issued ? *claims_.expires - *claims_.issued : 4 * early.count();
    return in_seconds(now) >= *claims_.expires - std::min<std::int64_t>(early.count(), life / 4);
}

bool credentials::may_have_been_good(unsigned generation, wall_time sent, wall_time now) const
{
    // What is known is of another one.
    if (generation != generation_)
        return true;
    const bool was_let_in = accepted_ == generation;
    if (!claims_.expires)
        return was_let_in;
    const std::int64_t end = *claims_.expires;
    const std::int64_t apart = clocks_apart.count();
    return in_seconds(sent) < end + apart && (was_let_in || in_seconds(now) >= end - apart);
}

task<credentials::bearer> credentials::current(outside o)
{
    if (is_due(o.loop.wall_now()))
        co_await read_if_due(o);
    co_return bearer{token_, generation_};
}

task<> credentials::read_if_due(outside o)
{
    co_await turn_.acquire();
    const slot_guard mine(turn_);
    const bool lately = !token_.empty() && o.loop.now() - read_at_ < shortest_between_reads;
    if (!lately && is_due(o.loop.wall_now()))
        co_await read(o);
}

task<bool> credentials::renew(outside o, unsigned refused)
{
    co_await turn_.acquire();
    const slot_guard mine(turn_);
    if (generation_ == refused)
        co_await read(o);
    co_return generation_ != refused;
}

task<> credentials::read(outside o)
{
    std::string text;
    switch (source_.from) {
    case token_source::kind::literal:
        text = source_.text;
        break;
    case token_source::kind::variable:
        if (const char* value = std::getenv(source_.text.c_str()))
            text = value;
        break;
    case token_source::kind::file: {
        const std::string path = source_.text;
        const auto read = [path] { return read_token_file(path); };
        auto got = co_await blocking(read);
        text = std::move(got);
        break;
    }
    case token_source::kind::command: {
        task<std::string> run = run_token_command(o.processes, source_.command);
        auto got = co_await with_deadline(std::move(run), o.loop.now() + longest_command);
        text = std::move(got);
        break;
    }
    }
    text = checked(text, source_);
    read_at_ = o.loop.now();
    if (text == token_)
        co_return;
    token_ = std::move(text);
    claims_ = read_claims(token_);
    ++generation_;
}

std::string credentials::remarks(wall_time now, std::string_view user) const
{
    std::string text = fmt::format(" (from {}", source_.description());
    if (claims_.expires && *claims_.expires <= in_seconds(now))
        text += fmt::format("; it expired at {}", format_time(wall_time(seconds(*claims_.expires))));
    if (!claims_.user.empty() && claims_.user != user)
        text += fmt::format("; it is for the user {}", claims_.user);
    return text + ")";
}

} // namespace potoo::slurm
