#include "engine/cli/callback_request.hpp"
#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/file_text.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/document.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/runtime/attempt_result.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

using host::request_result;

namespace {

struct complete_arguments
{
    std::string token;
    std::string output;
    std::string output_file;
    std::string error;
    std::string code;
    bool has_output = false;
    bool has_error = false;
    target_options target;
    std::string state;
};

/// @return the text of one JSON value, without what need not be in it
std::string checked_json(const std::string& text, const std::string& name, bool typed)
{
    graph::diagnostic_sink sink;
    if (!graph::read_json(text, sink)) {
        std::string problems;
        for (const auto& d : sink.take(text).first)
            problems += graph::format_diagnostic(name, d);
        if (typed)
            problems += "A text is JSON in quotes of its own: --output '\"ok\"'\n";
        throw usage_error(problems);
    }
    std::string compact = json::serialize(runtime::parse_recorded(text));
    if (compact.size() > runtime::max_output_size)
        throw usage_error(fmt::format("{} has {} bytes as JSON, and at most {} can be delivered", name, compact.size(),
                                      runtime::max_output_size));
    return compact;
}

host::callback_delivery delivery_of(const complete_arguments& a)
{
    if (a.has_output + a.has_error + !a.output_file.empty() > 1)
        throw usage_error("give one of --output, --output-file and --error");
    if (!a.code.empty() && !a.has_error)
        throw usage_error("--code says more of an --error");
    if (a.has_error) {
        json::object error{{"message", a.error}};
        if (!a.code.empty())
            error["code"] = a.code;
        return {a.token, false, checked_json(json::serialize(error), "--error", false)};
    }
    if (!a.output_file.empty())
        return {a.token, true,
                checked_json(read_text(a.output_file, 2 * runtime::max_output_size),
                             a.output_file == "-" ? "stdin" : a.output_file, false)};
    return {a.token, true, a.has_output ? checked_json(a.output, "--output", true) : "null"};
}

/// The first answer counts.
void tell_repeated(const host::callback_delivery& delivered, const std::string& state)
{
    request_result problem;
    const auto journal = open_journal(state);
    const auto run = host::find_callback_run(*journal, delivered.token, problem);
    const auto counts = run ? host::answer_of(*journal, run->number, delivered.token) : std::nullopt;
    if (!counts || (counts->success == delivered.success && counts->data == delivered.data))
        return report_text("It was completed before, with the same answer: nothing has changed.\n");
    constexpr std::size_t shown = 200;
    std::string data = counts->data.substr(0, shown);
    if (counts->data.size() > shown)
        data += "…";
    report_text(fmt::format("It was completed before, and the first answer counts: {}{}. Nothing has changed.\n",
                            counts->success ? "" : "the error ", data));
}

exit_code complete_at(server_client& server, const host::callback_delivery& delivered)
{
    json::object wish{{"state", delivered.success ? "success" : "failed"}};
    wish[delivered.success ? "output" : "error"] = json::parse(delivered.data);
    const json::value answer = server.ask("POST", api_path({"callbacks", delivered.token}), wish).body;
    const json::object document = answer.is_object() ? answer.get_object() : json::object();
    if (text_in(document, "result") == to_string(request_result::kind::repeated))
        report_text("It was completed before, with the same answer: nothing has changed.\n");
    else
        report_text(fmt::format("Completed: run {} goes on with it.\n", text_in(document, "run")));
    return exit_code::success;
}

exit_code complete(complete_arguments a)
{
    const host::callback_delivery delivered = delivery_of(a);
    if (const auto server = server_of(a.target))
        return complete_at(*server, delivered);
    a.state = state_of(a.target);
    // Also tells at once when the directory is not there.
    request_result problem;
    if (!host::find_callback_run(*open_journal(a.state), a.token, problem))
        throw usage_error(fmt::format("{} in {}", problem.text, a.state));
    const request_result r = deliver_callback(delivered, a.state);
    switch (r.what) {
    case request_result::kind::accepted:
        report_text(r.carried ? fmt::format("Completed: run {} goes on with it.\n", r.run.value())
                              : fmt::format("Completed: that is recorded. No engine is at work on run {}; the next one "
                                            "goes on with it: {}\n",
                                            r.run.value(), next_command("resume", r.run.value(), a.state)));
        return exit_code::success;
    case request_result::kind::repeated:
    case request_result::kind::conflict:
        tell_repeated(delivered, a.state);
        return exit_code::success;
    default:
        throw usage_error(r.text);
    }
}

} // namespace

void add_complete_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<complete_arguments>();
    CLI::App* c = app.add_subcommand("complete", "Deliver what a task waits for from outside");
    c->add_option("TOKEN", a->token, "Token of the callback, as the task has given it out")->required()->type_name("");
    c->add_option_function<std::string>(
         "--output",
         [a](const std::string& text) {
             a->output = text;
             a->has_output = true;
         },
         "The answer, as JSON; null unless given")
        ->type_name("JSON");
    c->add_option("--output-file", a->output_file, "The same from a file; - is standard input")->type_name("FILE");
    c->add_option_function<std::string>(
         "--error",
         [a](const std::string& text) {
             a->error = text;
             a->has_error = true;
         },
         "Instead of an answer: that it failed, and why")
        ->type_name("MESSAGE");
    c->add_option("--code", a->code, "With --error: a code for `retry.on` and conditions")->type_name("CODE");
    add_target_options(*c, a->target);
    c->footer("What was delivered is in the journal when this returns. Delivering again changes nothing.\n"
              "Examples:\n"
              "  potoo complete k3v9z01abcde.f00d --output '{\"approved\": true}'\n"
              "  potoo complete k3v9z01abcde.f00d --error 'not this month' --code rejected");
    c->callback([a, &chosen] { chosen = [a] { return complete(*a); }; });
}

} // namespace potoo::cli
