#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/token_place.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>

#include <pwd.h>
#include <unistd.h>

namespace potoo::cli {

namespace {

struct token_arguments
{
    token_wish wish{{}, "user", {}};
    std::string id;
    target_options target;
    bool json = false;
};

std::string login_name()
{
    const passwd* user = ::getpwuid(::geteuid());
    return user ? user->pw_name : fmt::format("user{}", ::geteuid());
}

exit_code create(const token_arguments& a)
{
    token_wish wish = a.wish;
    wish.name = wish.name.empty() ? login_name() : wish.name;
    const json::object made = open_tokens(a.target)->create(wish);
    if (a.json)
        print_json(made);
    else
        print_text(text_in(made, "text") + '\n');
    report_text(
        fmt::format("That is the token of {} ({}); it is shown this once. Its id is {}: potoo token revoke {}\n",
                    text_in(made, "name"), text_in(made, "role"), text_in(made, "id"), text_in(made, "id")));
    return exit_code::success;
}

std::string state_of_token(const json::object& t)
{
    if (!text_in(t, "revoked").empty())
        return "revoked";
    const auto expires = time_in(t, "expires");
    return expires && *expires <= std::chrono::system_clock::now() ? "expired" : "good";
}

exit_code list(const token_arguments& a)
{
    const json::array tokens = open_tokens(a.target)->list();
    if (a.json) {
        print_json(tokens);
        return exit_code::success;
    }
    table t({{"TOKEN"}, {"NAME"}, {"ROLE"}, {"STATE"}, {"CREATED (UTC)"}, {"EXPIRES (UTC)"}});
    for (const json::value& v : tokens) {
        const json::object& o = v.as_object();
        t.add({text_in(o, "id"), text_in(o, "name"), text_in(o, "role"), state_of_token(o), instant_in(o, "created"),
               instant_in(o, "expires")});
    }
    print_text(table_text(t));
    return exit_code::success;
}

/// Of somebody who has given the whole token, whose secret is nobody's business.
std::string id_of_token(const std::string& given)
{
    constexpr std::string_view prefix = "potoo_";
    if (!given.starts_with(prefix))
        return given;
    const std::string id = given.substr(prefix.size(), given.find('_', prefix.size()) - prefix.size());
    if (id.empty())
        throw usage_error("the id of a token is between `potoo_` and the next `_`; `potoo token list` has it");
    return id;
}

exit_code revoke(const token_arguments& a)
{
    const std::string id = id_of_token(a.id);
    const json::object revoked = open_tokens(a.target)->revoke(id);
    if (a.json)
        print_json(revoked);
    else
        report_text(fmt::format("token {} of {} is refused from now on.\n", id, text_in(revoked, "name")));
    return exit_code::success;
}

using token_action = exit_code (*)(const token_arguments&);

void finish(CLI::App& c, const std::shared_ptr<token_arguments>& a, command_action& chosen, token_action action)
{
    add_target_options(c, a->target);
    add_format_option(c, a->json);
    c.callback([a, action, &chosen] { chosen = [a, action] { return action(*a); }; });
}

void add_create(CLI::App& tokens, command_action& chosen)
{
    auto a = std::make_shared<token_arguments>();
    CLI::App* c = tokens.add_subcommand("create", "Make a token, and print it: this once");
    c->add_option("NAME,--name", a->wish.name,
                  "Whose it is, as tokens of one name are one user; your login unless given")
        ->type_name("NAME");
    c->add_option("--role", a->wish.role,
                  "viewer sees everything, user begins runs and sees these alone, admin may do everything")
        ->type_name("ROLE")
        ->check(CLI::IsMember({"viewer", "user", "admin"}))
        ->capture_default_str();
    c->add_option("--expires", a->wish.expires, "A time, or from now: 90d")->type_name("TIME");
    c->footer("Examples:\n"
              "  potoo token create ann --role admin --state /var/lib/potoo\n"
              "  potoo token create ci --expires 90d --server https://potoo.example.org > token");
    finish(*c, a, chosen, create);
}

void add_list(CLI::App& tokens, command_action& chosen)
{
    CLI::App* c = tokens.add_subcommand("list", "List the tokens; nobody knows their secrets");
    c->footer("Example:\n  potoo token list --server http://127.0.0.1:8080");
    finish(*c, std::make_shared<token_arguments>(), chosen, list);
}

void add_revoke(CLI::App& tokens, command_action& chosen)
{
    auto a = std::make_shared<token_arguments>();
    CLI::App* c = tokens.add_subcommand("revoke", "Refuse a token from now on");
    c->add_option("TOKEN", a->id, "Its id, as `potoo token list` has it: what stands between the two `_` of the token")
        ->required()
        ->type_name("");
    c->footer("Example:\n  potoo token revoke 4f1c9a02be --server http://127.0.0.1:8080");
    finish(*c, a, chosen, revoke);
}

} // namespace

void add_token_command(CLI::App& app, command_action& chosen)
{
    CLI::App* c = app.add_subcommand("token", "Make, list and revoke the tokens of a server");
    c->require_subcommand(0, 1);
    c->footer("With --server it is asked; with --state its directory is changed, while no server is at work there.\n"
              "Examples:\n"
              "  potoo token create ann --role admin --state /var/lib/potoo\n"
              "  potoo token list\n"
              "  potoo token revoke 4f1c9a02be");
    add_create(*c, chosen);
    add_list(*c, chosen);
    add_revoke(*c, chosen);
}

} // namespace potoo::cli
