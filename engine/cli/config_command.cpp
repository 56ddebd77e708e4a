#include "engine/cli/commands.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/server/config/server_config.hpp"

#include <potoo/json.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

struct config_arguments
{
    std::string file = "potoo.yaml";
    bool json = false;
};

exit_code check(const config_arguments& a)
{
    const server::server_config c = server::read_server_config(a.file);
    std::string problems;
    for (const std::string& p : server::problems_here(c))
        problems += fmt::format("{}: error: {}\n", a.file, p);
    if (!problems.empty())
        throw usage_error(problems);
    if (a.json)
        print_json(json::object{{"file", a.file},
                                {"valid", true},
                                {"dags", c.dags.string()},
                                {"state", c.state.string()},
                                {"listen", c.web.listen}});
    else
        print_text(fmt::format("{} is valid: DAGs of {}, journal in {}, listens at {}\n", a.file, c.dags.string(),
                               c.state.string(), c.web.listen));
    return exit_code::success;
}

exit_code print_schema()
{
    print_text(fmt::format("{}\n", server::server_config_schema()));
    return exit_code::success;
}

} // namespace

void add_config_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<config_arguments>();
    CLI::App* c = app.add_subcommand("config", "Check the configuration of a server, or print its schema");
    c->require_subcommand(0, 1);
    c->footer("Examples:\n"
              "  potoo config check /etc/potoo/potoo.yaml\n"
              "  potoo config schema > potoo.schema.json");
    CLI::App* checking = c->add_subcommand("check", "Say all that is wrong with a configuration file");
    checking->add_option("FILE", a->file, "The file; potoo.yaml unless given")->type_name("");
    add_format_option(*checking, a->json);
    checking->footer("Example:\n  potoo config check /etc/potoo/potoo.yaml");
    checking->callback([a, &chosen] { chosen = [a] { return check(*a); }; });
    CLI::App* schema = c->add_subcommand("schema", "Print the JSON Schema of configuration files, for editors");
    schema->footer("Example:\n"
                   "  potoo config schema > potoo.schema.json\n"
                   "and in the first line of the file, for editors with the YAML language server:\n"
                   "  # yaml-language-server: $schema=potoo.schema.json");
    schema->callback([&chosen] { chosen = [] { return print_schema(); }; });
}

} // namespace potoo::cli
