#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/run_plan_text.hpp"
#include "engine/cli/run_params.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>

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
};

exit_code show_plan(const graph::dag& d, const json::object& params, bool as_json)
{
    const json::object plan = plan_of(d, params, operators());
    file_output out(STDOUT_FILENO);
    out.write(as_json ? json::serialize(plan) + '\n' : plan_text(plan));
    out.flush();
    return exit_code::success;
}

exit_code run(run_arguments a)
{
    if (a.file == "-" && a.params_file == "-")
        throw usage_error("the DAG and the parameters cannot both come from standard input");
    auto dag = load_dag_file(a.file, a.session.plugins);
    json::object params = gather_params(*dag, a.params, a.params_file);
    if (a.dry_run)
        return show_plan(*dag, params, a.session.json);
    a.session.state = a.state;
    run_session session(a.session);
    session.run(std::move(dag), std::move(params));
    return session.wait();
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
    c->add_flag("--ephemeral", a->session.ephemeral, "Keep the journal in memory: the run cannot be resumed");
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
