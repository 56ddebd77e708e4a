#include "engine/graph/outside_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace potoo::graph {
namespace {

secret_source read_secret(node_view name, node_view source, field_reader& fields)
{
    fields.check_name("secret", name);
    secret_source secret;
    secret.name = name.text();
    const auto field = "secrets." + secret.name;
    constexpr std::array<std::string_view, 3> kinds{"env", "file", "command"};
    constexpr synonym synonyms[] = {{"environment", "env"}, {"variable", "env"}, {"path", "file"}, {"cmd", "command"}};
    if (fields.is_map(field, source, fmt::format("{}: {{env: VARIABLE}}", secret.name))) {
        fields.check_keys(source, "`" + field + "`", kinds, synonyms);
        if (source.size() != 1)
            fields.problem(source.where(),
                           fmt::format("`{}` must have exactly one of `env`, `file` and `command`", field));
        if (const auto n = source.find("env"))
            secret.argument.push_back(fields.text(field + ".env", *n).value_or(""));
        else if (const auto f = source.find("file")) {
            secret.from = secret_source::kind::file;
            secret.argument.push_back(fields.text(field + ".file", *f).value_or(""));
        } else if (const auto c = source.find("command")) {
            secret.from = secret_source::kind::command;
            if (!c->is_list() || c->size() == 0)
                fields.problem(c->where(),
                               fmt::format("`{}.command` must be a list: the program, then its arguments", field));
            else
                secret.argument = fields.texts(field + ".command", *c).value_or(std::vector<std::string>());
        }
    }
    return secret;
}

value_template read_settings(node_view body, template_reader& templates)
{
    std::vector<std::pair<std::string, value_template>> settings;
    for (std::size_t k = 0; k < body.size(); ++k)
        if (body.key(k).text() != "type")
            settings.emplace_back(body.key(k).text(),
                                  templates.read_value(body.value(k), expression_place::connection));
    return value_template::object(std::move(settings));
}

} // namespace

std::vector<secret_source> read_secrets(node_view root, field_reader& fields)
{
    std::vector<secret_source> all;
    const auto secrets = root.find("secrets");
    if (!secrets || !fields.is_map("secrets", *secrets, "secrets: {token: {env: TOKEN}}"))
        return all;
    for (std::size_t i = 0; i < secrets->size(); ++i)
        all.push_back(read_secret(secrets->key(i), secrets->value(i), fields));
    return all;
}

std::vector<connection_spec> read_connections(node_view root, field_reader& fields, template_reader& templates)
{
    std::vector<connection_spec> all;
    const auto connections = root.find("connections");
    if (!connections || !fields.is_map("connections", *connections, "connections: {hpc: {type: slurm, url: …}}"))
        return all;
    for (std::size_t i = 0; i < connections->size(); ++i) {
        const auto name = connections->key(i);
        const auto body = connections->value(i);
        fields.check_name("connection", name);
        connection_spec c;
        c.name = name.text();
        const auto field = "connections." + c.name;
        if (!fields.is_map(field, body, fmt::format("{}: {{type: slurm, url: …}}", c.name)))
            continue;
        if (const auto type = body.find("type"))
            c.type = fields.text(field + ".type", *type).value_or("");
        else
            fields.problem(name.where(), fmt::format("`{}.type` is missing", field));
        c.settings = read_settings(body, templates);
        all.push_back(std::move(c));
    }
    return all;
}

outside_spec read_outside(const document& d, std::string_view source, diagnostic_sink& problems)
{
    const node_view root(d, d.root);
    field_reader fields(problems);
    outside_spec out;
    out.secrets = read_secrets(root, fields);
    template_reader::known_names known;
    known.of_configuration = true;
    for (const secret_source& s : out.secrets)
        known.secrets.push_back(s.name);
    template_reader templates(source, d, std::move(known), problems);
    out.connections = read_connections(root, fields, templates);
    return out;
}

} // namespace potoo::graph
