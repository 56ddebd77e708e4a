#include "engine/cli/callback_request.hpp"
#include "engine/cli/commands.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_source.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/waiting_callback.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <pwd.h>
#include <unistd.h>

namespace potoo::cli {

using host::request_result;
using host::waiting_callback;

namespace {

struct approve_arguments
{
    target_options target;
    std::string run; ///< or the token
    std::string task;
    std::string comment;
    std::string by;
    std::optional<std::uint32_t> item;
    bool reject = false;
    bool json = false;
};

/// Whom this process works for.
std::string login_name()
{
    const passwd* user = ::getpwuid(::geteuid());
    return user ? user->pw_name : std::to_string(::geteuid());
}

/// What waits, as the API tells of it; of a state directory with tokens.
json::array waiting_in(const std::string& state)
{
    const auto journal = open_journal(state);
    journal::run_filter filter;
    filter.unfinished = true;
    json::array out;
    for (const journal::run_row& run : journal->runs(filter)) {
        for (const waiting_callback& w : host::waiting_callbacks_of(*journal, run)) {
            json::object o = to_json(w);
            o["name"] = w.name;
            o["token"] = w.token;
            out.push_back(std::move(o));
        }
    }
    return out;
}

json::array waiting_at(server_client& server)
{
    json::array out;
    server.each(api_path({"approvals"}), [&](json::object o) {
        o["name"] = json::string(host::approval_name);
        out.push_back(std::move(o));
        return true;
    });
    return out;
}

std::string approvers_text(const json::object& w)
{
    const json::value* names = w.if_contains("approvers");
    std::string out;
    if (!names || !names->is_array())
        return out;
    for (const json::value& n : names->get_array())
        out += (out.empty() ? "" : ", ") + (n.is_string() ? std::string(n.get_string()) : json::serialize(n));
    return out;
}

bool is_approval(const json::object& w)
{
    return text_in(w, "name") == host::approval_name;
}

exit_code list(const json::array& waiting, const approve_arguments& a)
{
    if (a.json) {
        print_json(waiting);
        return exit_code::success;
    }
    table t({{"RUN"}, {"DAG"}, {"TASK"}, {"ITEM", table::align::right}, {"SINCE (UTC)"}, {"FOR"}, {"WHAT"}});
    bool has_callback = false;
    for (const json::value& v : waiting) {
        const json::object& w = v.as_object();
        std::string what = text_in(w, "message");
        if (!is_approval(w)) {
            has_callback = true;
            what = fmt::format("{} {}", text_in(w, "token"), what);
        }
        t.add({text_in(w, "run"), text_in(w, "dag"), text_in(w, "task"), std::to_string(number_in(w, "item")),
               instant_in(w, "opened"), approvers_text(w), what});
    }
    print_text(table_text(t));
    if (waiting.empty())
        report_text("Nothing waits for an answer.\n");
    if (has_callback)
        report_text("What begins with a token is no approval: potoo complete TOKEN delivers it.\n");
    return exit_code::success;
}

bool is_meant(const json::object& w, const approve_arguments& a)
{
    if (const std::string token = text_in(w, "token"); !token.empty() && token == a.run)
        return true;
    return (a.run == "last" || text_in(w, "run").starts_with(a.run)) &&
           (a.task.empty() || text_in(w, "task") == a.task) && (!a.item || number_in(w, "item") == *a.item);
}

std::string name_of(const json::object& w)
{
    return fmt::format("{} {}{}", text_in(w, "run"), text_in(w, "task"),
                       number_in(w, "item") == 0 ? "" : fmt::format(" --item {}", number_in(w, "item")));
}

/// What became of an item whose last attempt is this; empty = that is not known.
std::string answer_text(const json::object& attempt)
{
    const json::object& output = object_in(attempt, "output");
    const json::object& error = object_in(attempt, "error");
    const auto started = time_in(attempt, "started");
    const std::string at =
        started
            ? " at " + instant_text(*started + duration(static_cast<duration::rep>(number_in(attempt, "elapsed_ms")))) +
                  " UTC"
            : "";
    if (const json::value* approved = output.if_contains("approved"); approved && approved->is_bool()) {
        const std::string by = text_in(output, "by");
        return fmt::format("{} {} it{}", by.empty() ? "somebody" : by, approved->get_bool() ? "approved" : "rejected",
                           at);
    }
    return text_in(error, "code") == "rejected" ? error_text(error) + at : "";
}

/// It has been opened, and waits no more although its attempt goes on: no engine was there to hear the answer.
bool is_answered(const approve_arguments& a, const std::string& run, item_index item)
{
    if (server_of(a.target))
        return false;
    const std::string state = state_of(a.target);
    const auto journal = open_journal(state);
    return host::last_opened(*journal, find_run(*journal, run, state), a.task, item, host::approval_name).has_value();
}

/// Of an approval that waits no more: who has answered it. Empty = nobody has, as far as is known.
/// @throws usage_error when there is no such run or task
std::string earlier_answer(const approve_arguments& a)
{
    const auto source = open_source(a.target);
    // A token begins with the run's id.
    const std::string run = text_in(source->run(a.run.substr(0, a.run.find('.'))), "run");
    if (a.task.empty())
        return {};
    const json::object task = source->task(run, a.task);
    if (!a.item && number_in(task, "items") > 1)
        return {};
    const item_index item(a.item.value_or(0));
    const json::object* last = nullptr;
    for (const json::value& v : list_in(task, "attempt_list"))
        if (number_in(v.as_object(), "item") == item.value())
            last = &v.as_object();
    if (!last)
        return {};
    if (last->contains("elapsed_ms"))
        return answer_text(*last);
    // An attempt that was interrupted asks again.
    const bool goes_on = text_in(*last, "state") != "interrupted";
    return goes_on && is_answered(a, run, item) ? "it has been answered already" : "";
}

[[noreturn]] void refuse_unknown(const approve_arguments& a)
{
    const std::string named = a.run + (a.task.empty() ? "" : ", task " + a.task);
    const std::string earlier = earlier_answer(a);
    throw usage_error(fmt::format("nothing of {} waits for an approval{}; potoo approve lists what does", named,
                                  earlier.empty() ? "" : ": " + earlier));
}

json::object pick(const json::array& waiting, const approve_arguments& a)
{
    std::vector<const json::object*> meant;
    bool others = false;
    for (const json::value& v : waiting) {
        const json::object& w = v.as_object();
        if (!is_meant(w, a))
            continue;
        if (is_approval(w))
            meant.push_back(&w);
        else
            others = true;
    }
    if (meant.size() == 1)
        return *meant.front();
    if (meant.empty() && others)
        throw usage_error("that is no approval: potoo complete TOKEN delivers what it waits for");
    if (meant.empty())
        refuse_unknown(a);
    std::string text = "potoo: error: several approvals wait there; say which:\n";
    for (const json::object* w : meant)
        text += fmt::format("  potoo approve {}\n", name_of(*w));
    throw usage_error(text);
}

request_result answer_in(const std::string& state, const json::object& w, const approve_arguments& a)
{
    const std::string by = a.by.empty() ? login_name() : a.by;
    waiting_callback asked;
    asked.about = w;
    if (!may_approve(asked, by))
        throw usage_error(
            fmt::format("{} may not answer this: it is for {}; --by says for whom you answer", by, approvers_text(w)));
    const json::object answer = host::approval_answer(!a.reject, by, a.comment);
    return deliver_callback({text_in(w, "token"), true, json::serialize(answer)}, state);
}

exit_code tell(const json::object& w, const request_result& r, const std::string& state, const approve_arguments& a)
{
    const std::string run = text_in(w, "run");
    if (r.what != request_result::kind::accepted)
        throw usage_error(r.text);
    const char* word = a.reject ? "Rejected" : "Approved";
    if (a.json)
        print_json(json::object{{"run", run}, {"task", text_in(w, "task")}, {"approved", !a.reject}});
    report_text(r.carried ? fmt::format("{}: run {} goes on with it.\n", word, run)
                          : fmt::format("{}: that is recorded. No engine is at work on run {}; the next one goes on "
                                        "with it: {}\n",
                                        word, run, next_command("resume", run, state)));
    return exit_code::success;
}

exit_code answer_at(server_client& server, const approve_arguments& a)
{
    const json::array waiting = waiting_at(server);
    if (a.run.empty())
        return list(waiting, a);
    if (!a.by.empty())
        throw usage_error("--by is for state directories: a server knows whose token it is");
    const json::object w = pick(waiting, a);
    json::object wish{{"run", text_in(w, "run")},
                      {"task", text_in(w, "task")},
                      {"item", number_in(w, "item")},
                      {"approved", !a.reject}};
    if (!a.comment.empty())
        wish["comment"] = a.comment;
    server.ask("POST", api_path({"approvals"}), wish);
    request_result r;
    r.carried = true;
    return tell(w, r, {}, a);
}

exit_code approve(const approve_arguments& a)
{
    if (a.run.empty() && (a.reject || !a.comment.empty()))
        throw usage_error("say what is answered: potoo approve RUN TASK; without them the command lists what waits");
    if (const auto server = server_of(a.target))
        return answer_at(*server, a);
    const std::string state = state_of(a.target);
    const json::array waiting = waiting_in(state);
    if (a.run.empty())
        return list(waiting, a);
    const json::object w = pick(waiting, a);
    return tell(w, answer_in(state, w, a), state, a);
}

} // namespace

void add_approve_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<approve_arguments>();
    CLI::App* c = app.add_subcommand("approve", "Answer what waits for a person; without a run, list what does");
    c->add_option("RUN", a->run, "Run, by the first characters of its id, or `last` where one waits; or the token")
        ->type_name("");
    c->add_option("TASK", a->task, "Its task, where several wait")->type_name("");
    c->add_option("--item", a->item, "Item of the task, from 0")->type_name("N");
    c->add_flag("--reject", a->reject, "Say no");
    c->add_option("--comment", a->comment, "Why; told to the task")->type_name("TEXT");
    c->add_option("--by", a->by, "Whose answer it is; the login name unless given")->type_name("NAME");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo approve\n"
              "  potoo approve k3v9 release --comment 'as discussed'\n"
              "  potoo approve k3v9 release --reject --comment 'not on a Friday'");
    c->callback([a, &chosen] { chosen = [a] { return approve(*a); }; });
}

} // namespace potoo::cli
