#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/run_plan_text.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_continuation.hpp"
#include "engine/cli/run_params.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/state_config.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

namespace potoo::cli {

namespace {

struct run_arguments
{
    std::string file;
    std::vector<std::string> params;
    std::string params_file;
    session_options session;
    std::string state = ".potoo";
    bool dry_run = false;
    bool only = false;
};

exit_code show_plan(const graph::dag& d, const json::object& params, bool as_json)
{
    const json::object plan = plan_of(d, params, operators());
    file_output out(STDOUT_FILENO);
    out.write(as_json ? json::serialize(plan) + '\n' : plan_text(plan));
    out.flush();
    return exit_code::success;
}

/// Begins with what engines before have left in this state directory. @return those runs
std::vector<journal::run_row> go_on_with_others(run_session& session, const run_arguments& a)
{
    std::vector<journal::run_row> left = session.unfinished();
    for (journal::run_row& r : session.unreconciled())
        left.push_back(std::move(r));
    if (!a.only) {
        go_on_with(session, left, run_role::beside, true, a.session);
        return left;
    }
    if (!left.empty())
        report_text(fmt::format("{} from before {} left alone: {}\n",
                                left.size() == 1 ? "1 run" : fmt::format("{} runs", left.size()),
                                left.size() == 1 ? "is" : "are", next_command("resume", {}, a.state)));
    return {};
}

std::vector<std::string> configured_secrets(const run_arguments& a)
{
    if (a.session.ephemeral)
        return {};
    return host::names_of_secrets(host::read_state_config(journal::state_layout(a.state)).outside);
}

exit_code run(run_arguments a)
{
    if (a.file == "-" && a.params_file == "-")
        throw usage_error("the DAG and the parameters cannot both come from standard input");
    auto dag = load_dag_file(a.file, a.session.plugins, {.secrets = configured_secrets(a)});
    json::object params = gather_params(*dag, a.params, a.params_file);
    if (a.dry_run)
        return show_plan(*dag, params, a.session.json);
    a.session.state = a.state;
    run_session session(a.session);
    // Before the new run, so that its `overlap` counts them.
    const auto others = go_on_with_others(session, a);
    session.run(std::move(dag), std::move(params));
    const exit_code end = session.wait();
    tell_reconciled(others, a.session);
    return end;
}

} // namespace

void add_run_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<run_arguments>();
    CLI::App* c = app.add_subcommand("run", "Run a DAG file here and now");
    c->add_option("FILE", a->file, "DAG file, YAML or JSON; - is standard input")->required()->type_name("");
    c->add_option("-p,--param", a->params, "A parameter; may be given again")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    c->add_option("--params-file", a->params_file, "Parameters as a YAML or JSON map; -p counts before it")
        ->type_name("FILE");
    add_state_option(*c, a->state);
    c->add_flag("--ephemeral", a->session.ephemeral, "Keep no journal: the run cannot be resumed");
    c->add_flag("--only", a->only, "Leave runs alone that were stopped before, instead of going on with them");
    c->add_flag("--dry-run", a->dry_run, "Print what would be done, and start nothing");
    add_session_options(*c, a->session);
    c->footer("Examples:\n"
              "  potoo run nightly.yaml -p cohort=blue\n"
              "  potoo run nightly.yaml --dry-run\n"
              "  potoo run nightly.yaml --json | jq -c 'select(.type == \"attempt_ended\")'\n"
              "Exit codes: 0 success, 1 failed or timed out, 2 bad usage or DAG file, 3 cancelled or\n"
              "interrupted, 4 the state cannot be reached.");
    c->callback([a, &chosen] { chosen = [a] { return run(*a); }; });
}

} // namespace potoo::cli
