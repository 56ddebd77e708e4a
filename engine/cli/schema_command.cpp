#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/version_text.hpp"
#include "engine/graph/dag_schema.hpp"
#include "engine/server/api/openapi.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace potoo::cli {

void add_schema_command(CLI::App& app, command_action& chosen)
{
    auto plugins = std::make_shared<std::vector<std::string>>();
    CLI::App* c = app.add_subcommand("schema", "Print the JSON Schema of DAG files, for editors");
    c->add_option("--plugin", *plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    auto api = std::make_shared<bool>(false);
    c->add_flag("--api", *api, "Print the OpenAPI document of `potoo server` instead");
    c->footer("Example:\n"
              "  potoo schema > dag.schema.json\n"
              "and in the first line of a DAG file, for editors with the YAML language server:\n"
              "  # yaml-language-server: $schema=dag.schema.json");
    c->callback([plugins, api, &chosen] {
        chosen = [plugins, api] {
            load_plugins(*plugins);
            file_output out(STDOUT_FILENO);
            out.line(json::serialize(*api ? json::value(server::openapi_document(version_text()))
                                          : json::value(graph::dag_json_schema(operators()))));
            out.flush();
            return exit_code::success;
        };
    });
}

} // namespace potoo::cli
