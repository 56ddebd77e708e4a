#include "engine/cli/commands.hpp"
#include "engine/cli/completion_script.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_source.hpp"

#include <potoo/operator.hpp>

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr std::size_t runs_offered = 100;

exit_code print_script(const CLI::App& app, const std::string& shell)
{
    file_output out(STDOUT_FILENO);
    out.write(shell == "bash" ? bash_completion(app) : zsh_completion(app));
    out.flush();
    return exit_code::success;
}

/// What the scripts ask for: one word a line. Without a journal, or a server that answers, there are none.
exit_code print_words(const std::string& kind, const target_options& target)
{
    file_output out(STDOUT_FILENO);
    if (kind == "operators")
        for (const operator_entry* op : operators().all())
            out.line(op->name);
    if (kind == "runs") {
        run_wish latest;
        latest.limit = runs_offered;
        for (const json::value& r : open_source(target)->runs(latest).runs)
            out.line(text_in(r.as_object(), "run"));
    }
    if (kind == "dags")
        needed_server(target)->each(api_path({"dags"}), [&](const json::object& d) {
            out.line(text_in(d, "name"));
            return true;
        });
    out.flush();
    return exit_code::success;
}

} // namespace

void add_completion_command(CLI::App& app, command_action& chosen)
{
    auto shell = std::make_shared<std::string>();
    CLI::App* c = app.add_subcommand("completion", "Print a script that completes arguments in bash or zsh");
    c->add_option("SHELL", *shell, "bash or zsh")->required()->type_name("")->check(CLI::IsMember({"bash", "zsh"}));
    c->footer("Examples:\n"
              "  source <(potoo completion bash)\n"
              "  potoo completion zsh > ~/.zsh/completions/_potoo");
    c->callback([shell, &app, &chosen] { chosen = [shell, &app] { return print_script(app, *shell); }; });

    struct words_arguments
    {
        std::string kind;
        target_options target;
    };

    auto words = std::make_shared<words_arguments>();
    CLI::App* w = app.add_subcommand("complete-words", "For completion scripts")->group("");
    w->add_option("KIND", words->kind)->required();
    w->allow_extras();
    add_target_options(*w, words->target);
    w->callback([words, &chosen] { chosen = [words] { return print_words(words->kind, words->target); }; });
}

} // namespace potoo::cli
