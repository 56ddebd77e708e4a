#include "engine/cli/target_options.hpp"

#include "engine/cli/file_text.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace potoo::cli {

namespace {

constexpr std::size_t largest_token_file = 64UL * 1024;
constexpr std::size_t largest_ca_file = 16UL * 1024 * 1024;

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string token_of(const target_options& t)
{
    if (!t.token_file.empty())
        return checked_token(read_text(t.token_file, largest_token_file),
                             t.token_file == "-" ? "standard input" : fmt::format("'{}'", t.token_file));
    const std::string given = variable("POTOO_TOKEN");
    return given.empty() ? "" : checked_token(given, "POTOO_TOKEN");
}

/// @param url as the user wrote it
server_access access_of(const target_options& t, const std::string& url)
{
    if (!t.ca_file.empty())
        static_cast<void>(read_text(t.ca_file, largest_ca_file));
    server_access to{checked_server_url(url), token_of(t), t.ca_file, {}};
    if (!t.server.empty())
        to.options += " --server " + shell_word(t.server);
    if (!t.token_file.empty() && t.token_file != "-")
        to.options += " --token-file " + shell_word(t.token_file);
    if (!t.ca_file.empty())
        to.options += " --ca-file " + shell_word(t.ca_file);
    return to;
}

/// Nothing about servers was given.
void check_no_server(const target_options& t)
{
    if (!t.token_file.empty() || !t.ca_file.empty())
        throw usage_error(fmt::format("{} is about a server: say which, with --server URL or POTOO_SERVER",
                                      t.token_file.empty() ? "--ca-file" : "--token-file"));
}

} // namespace

void add_server_options(CLI::App& command, target_options& t)
{
    command.add_option("--server", t.server, "Ask this server; or POTOO_SERVER says which")->type_name("URL");
    command.add_option("--token-file", t.token_file, "What holds the token for it; or POTOO_TOKEN is the token")
        ->type_name("FILE");
    command.add_option("--ca-file", t.ca_file, "Certificates of the authority that its own is of, PEM")
        ->type_name("FILE");
}

void add_target_options(CLI::App& command, target_options& t)
{
    t.state_option =
        command.add_option("--state", t.state, "Directory of the journal; .potoo, or what POTOO_STATE says")
            ->type_name("DIR");
    add_server_options(command, t);
}

std::unique_ptr<server_client> server_of(const target_options& t)
{
    const bool named_state = t.state_option != nullptr && t.state_option->count() > 0;
    if (named_state && !t.server.empty())
        throw usage_error("--state and --server exclude each other: runs are in a directory, or at a server");
    if (!t.server.empty())
        return std::make_unique<server_client>(access_of(t, t.server));
    const std::string in_environment = named_state ? "" : variable("POTOO_SERVER");
    if (in_environment.empty()) {
        check_no_server(t);
        return nullptr;
    }
    if (t.state_option != nullptr && !variable("POTOO_STATE").empty())
        throw usage_error("POTOO_STATE and POTOO_SERVER are both set: say which is meant, with --state DIR or "
                          "--server URL");
    return std::make_unique<server_client>(access_of(t, in_environment));
}

std::unique_ptr<server_client> needed_server(const target_options& t)
{
    auto server = server_of(t);
    if (!server)
        throw usage_error("which server? Say it with --server URL or POTOO_SERVER; `potoo server` is one");
    return server;
}

std::string state_of(const target_options& t)
{
    if (!t.state.empty() || (t.state_option != nullptr && t.state_option->count() > 0))
        return t.state;
    const std::string given = variable("POTOO_STATE");
    return given.empty() ? ".potoo" : given;
}

} // namespace potoo::cli
