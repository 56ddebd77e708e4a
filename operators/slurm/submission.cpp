#include "submission.hpp"

#include <potoo/error.hpp>
#include <potoo/options.hpp>
#include <potoo/time.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <unistd.h>
#include <utility>
#include <vector>

namespace potoo::slurm {
namespace {

/// Slurm's slurmrestd refuses a job without an environment.
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";
/// From this version on the environment is a list.
constexpr int first_with_list = 39;

std::optional<std::int64_t> whole_number(std::string_view text)
{
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || n < 0)
        return std::nullopt;
    return n;
}

std::optional<std::int64_t> number_in(const json::value& v)
{
    boost::system::error_code ec;
    const double d = v.is_number() ? v.to_number<double>(ec) : -1;
    constexpr double most = 1e12;
    return !ec && d >= 0 && d < most ? std::optional(static_cast<std::int64_t>(std::ceil(d))) : std::nullopt;
}

/// `[days-]h[:m[:s]]` with days, else `m`, `m:s` or `h:m:s`.
std::optional<std::int64_t> slurm_minutes(std::string_view text)
{
    constexpr std::int64_t day = 24 * 3600;
    std::int64_t seconds = 0;
    const auto dash = text.find('-');
    const bool with_days = dash != std::string_view::npos;
    if (with_days) {
        const auto days = whole_number(text.substr(0, dash));
        if (!days)
            return std::nullopt;
        seconds = *days * day;
        text.remove_prefix(dash + 1);
    }
    std::vector<std::int64_t> parts;
    for (bool more = true; more;) {
        const auto colon = text.find(':');
        const auto part = whole_number(text.substr(0, colon));
        if (!part)
            return std::nullopt;
        parts.push_back(*part);
        more = colon != std::string_view::npos;
        text.remove_prefix(more ? colon + 1 : text.size());
    }
    if (parts.size() > 3)
        return std::nullopt;
    std::int64_t unit = with_days || parts.size() == 3 ? 3600 : 60;
    for (const std::int64_t part : parts) {
        seconds += part * unit;
        unit /= 60;
    }
    return (seconds + 59) / 60;
}

std::string quoted(std::string_view word)
{
    std::string out = "'";
    for (const char c : word) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string script_in(const json::object& with)
{
    const json::value* script = with.if_contains("script");
    if (!script)
        return script_of(with.at("command"));
    std::string text(script->as_string());
    return text.starts_with("#!") ? text : "#!/bin/sh\n" + text;
}

bool takes_list(std::string_view api_version)
{
    const auto dot = api_version.rfind('.');
    return whole_number(api_version.substr(dot + 1)).value_or(0) >= first_with_list;
}

json::value environment_of(context& ctx, const json::object& with, bool as_list)
{
    json::object all{{"PATH", json::string(usual_path)}};
    for (const auto& [name, value] : ctx.environment())
        all[name] = value;
    if (const json::value* env = with.if_contains("env")) {
        for (const auto& [name, value] : env->as_object())
            all[name] = text_of(value);
    }
    if (!as_list)
        return all;
    json::array list;
    for (const auto& [name, value] : all)
        list.emplace_back(
            json::string(fmt::format("{}={}", std::string_view(name), std::string_view(value.as_string()))));
    return list;
}

std::string current_directory()
{
    std::array<char, 4096> room{};
    const char* found = getcwd(room.data(), room.size());
    return found ? found : "/";
}

/// What is the same in both ways to say it.
void copy_simple(json::object& job, const json::object& with)
{
    static constexpr std::array<std::pair<const char*, const char*>, 5> members{{{"partition", "partition"},
                                                                                 {"account", "account"},
                                                                                 {"qos", "qos"},
                                                                                 {"cpus", "cpus_per_task"},
                                                                                 {"output", "standard_output"}}};
    for (const auto& [ours, theirs] : members) {
        if (const json::value* v = with.if_contains(ours))
            job[theirs] = *v;
    }
}

void add_limits(json::object& job, const json::object& with)
{
    if (const json::value* limit = with.if_contains("time_limit")) {
        const auto minutes = time_limit_minutes(*limit);
        if (!minutes)
            throw fatal(fmt::format("with.time_limit: {} is no time; write 90m, 1h30m, or 1-12:00:00 as Slurm does",
                                    json::serialize(*limit)));
        job["time_limit"] = *minutes;
    }
    if (const json::value* memory = with.if_contains("memory")) {
        const auto size = megabytes(*memory);
        if (!size)
            throw fatal(fmt::format("with.memory: {} is no size; write 512M or 2G, or a number of megabytes",
                                    json::serialize(*memory)));
        job["memory_per_node"] = *size;
    }
}

void add_options(json::object& job, const json::object& with)
{
    const json::value* options = with.if_contains("options");
    if (!options)
        return;
    for (const auto& [name, value] : options->as_object()) {
        if (name == "comment" || name == "array" || name == "script")
            throw fatal(fmt::format("with.options: `{}` cannot be set there: {}", std::string_view(name),
                                    name == "comment" ? "it holds the name by which the job is found again"
                                    : name == "array" ? "write `array: true` and give the task a `foreach`"
                                                      : "write it as `script`, beside `options`"));
        job[name] = value;
    }
}

} // namespace

std::optional<std::int64_t> time_limit_minutes(const json::value& v)
{
    if (!v.is_string())
        return number_in(v);
    const std::string_view text = v.get_string();
    if (const auto d = parse_duration(text)) {
        constexpr std::int64_t minute = 60'000;
        return (d->count() + minute - 1) / minute;
    }
    return slurm_minutes(text);
}

std::optional<std::int64_t> megabytes(const json::value& v)
{
    if (!v.is_string())
        return number_in(v);
    std::string_view text = v.get_string();
    for (const std::string_view tail : {"iB", "B"}) {
        if (text.ends_with(tail) && text.size() > tail.size())
            text.remove_suffix(tail.size());
    }
    constexpr std::string_view units = "KMGT";
    const auto unit = text.empty() ? std::string_view::npos : units.find(text.back());
    if (unit != std::string_view::npos)
        text.remove_suffix(1);
    const auto n = whole_number(text);
    constexpr std::int64_t most = 1'000'000'000'000;
    if (!n || *n > most)
        return std::nullopt;
    switch (unit) {
    case 0:
        return (*n + 1023) / 1024;
    case 2:
        return *n * 1024;
    case 3:
        return *n * 1024 * 1024;
    default:
        return n;
    }
}

std::string script_of(const json::value& command)
{
    std::string text = "#!/bin/sh\n";
    if (command.is_string())
        return text.append(command.get_string()).append("\n");
    text += "exec";
    for (const json::value& word : command.as_array())
        text += " " + quoted(text_of(word));
    return text + "\n";
}

json::object submission_of(context& ctx, std::string_view api_version, std::string_view comment, std::string_view array)
{
    const json::object& with = ctx.input();
    const json::value* directory = with.if_contains("working_directory");
    json::object job{
        {"name", json::string(ctx.task_name())},
        {"current_working_directory", directory ? *directory : json::value(json::string(current_directory()))},
        {"environment", environment_of(ctx, with, takes_list(api_version))},
        {"standard_output", array.empty() ? "slurm-%j.out" : "slurm-%A_%a.out"},
    };
    copy_simple(job, with);
    add_limits(job, with);
    add_options(job, with);
    job["comment"] = json::string(comment);
    if (!array.empty())
        job["array"] = json::string(array);
    return {{"script", json::string(script_in(with))}, {"job", std::move(job)}};
}

} // namespace potoo::slurm
