#include "engine/cli/run_documents.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/why_json.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace potoo::cli {

std::uint64_t number_in(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(name);
    if (v && v->is_uint64())
        return v->get_uint64();
    return v && v->is_int64() && v->get_int64() > 0 ? static_cast<std::uint64_t>(v->get_int64()) : 0;
}

const json::array& list_in(const json::object& o, std::string_view name)
{
    static const json::array none;
    const json::value* v = o.if_contains(name);
    return v && v->is_array() ? v->get_array() : none;
}

std::string instant_in(const json::object& o, std::string_view name)
{
    const auto t = time_in(o, name);
    return t ? instant_text(*t) : "";
}

std::string took_text(const json::object& o)
{
    const auto started = time_in(o, "started");
    const auto ended = time_in(o, "ended");
    return started && ended ? elapsed_text(*ended - *started) : "";
}

std::string origin_text(const json::object& run)
{
    const json::object& origin = object_in(run, "origin");
    std::string out = text_in(origin, "by");
    const std::string cause = text_in(origin, "cause");
    const std::string who = text_in(origin, "who");
    if (out == "cli" && cause.empty() && who.empty())
        return {};
    // The cause of an ad-hoc task's run is the run itself.
    const std::string name = text_in(origin, "name");
    const std::string what = out != "task" ? cause : name.empty() ? text_in(origin, "key") : name;
    if (!what.empty())
        out += ' ' + what;
    if (!who.empty())
        out += " by " + who;
    return out;
}

std::string scheduled_text(const json::object& run)
{
    return instant_in(object_in(run, "origin"), "scheduled");
}

std::string error_text(const json::value& error)
{
    if (error.is_string())
        return std::string(error.get_string());
    const std::string message = error.is_object() ? text_in(error.get_object(), "message") : "";
    return message.empty() ? json::serialize(error) : message;
}

std::string counts_text(const json::object& counts)
{
    std::string out;
    for (const auto& [state, n] : counts)
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", json::serialize(n),
                           std::string_view(state.data(), state.size()));
    return out;
}

void check_item(const json::object& task, item_index item, const std::string& listing)
{
    const auto items = number_in(task, "items");
    if (item.value() < items || (items <= 1 && !task.contains("ended")))
        return;
    journal::task_row row;
    row.name = text_in(task, "task");
    row.items = static_cast<std::uint32_t>(items);
    throw usage_error(fmt::format("{} They are listed by: {}", host::item_problem(row, item), listing));
}

exit_code exit_code_of_state(std::string_view state) noexcept
{
    if (state == "success" || state == "skipped")
        return exit_code::success;
    return state == "cancelled" ? exit_code::interrupted : exit_code::failed;
}

std::string table_text(const table& t)
{
    return t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8());
}

void print_text(std::string_view text)
{
    file_output out(STDOUT_FILENO);
    out.write(text);
    out.flush();
}

void print_json(const json::value& document)
{
    print_text(json::serialize(document) + '\n');
}

} // namespace potoo::cli
