#include "engine/server/dags/dag_generator.hpp"

#include "engine/host/config_document.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>

namespace potoo::server {

namespace {

constexpr std::size_t most_output = std::size_t{16} << 20;
constexpr std::size_t most_complaints = std::size_t{4} << 10;
constexpr std::string_view form = "exec: [./print-dag, argument]";

struct program_output
{
    std::string text;
    std::string complaints; ///< the end of standard error
    bool too_long = false;

    void add(output_stream s, std::string_view piece)
    {
        if (s == output_stream::standard_error) {
            complaints += piece;
            if (complaints.size() > most_complaints)
                complaints.erase(0, complaints.size() - most_complaints);
        } else if (text.size() + piece.size() > most_output) {
            too_long = true;
        } else {
            text += piece;
        }
    }
};

std::string with_complaints(std::string what, const program_output& output)
{
    what += '\n';
    what += output.complaints;
    if (!what.ends_with('\n'))
        what += '\n';
    return what;
}

std::string problem_of(const process_end& end, const program_output& output)
{
    if (end.signal != 0)
        return with_complaints(fmt::format("the program was ended by signal {}", end.signal), output);
    if (end.exit_code != 0)
        return with_complaints(fmt::format("the program ended with exit code {}", end.exit_code), output);
    if (output.too_long)
        return fmt::format("the program printed more than {} bytes\n", most_output);
    return {};
}

generator_spec read_spec(graph::node_view root, graph::field_reader& fields)
{
    constexpr std::array<std::string_view, 3> keys{"exec", "every", "timeout"};
    constexpr std::array<graph::synonym, 4> synonyms{
        {{"command", "exec"}, {"program", "exec"}, {"interval", "every"}, {"schedule", "every"}}};
    generator_spec spec;
    if (!fields.is_map("generator", root, form))
        return spec;
    fields.check_keys(root, "a generator", keys, synonyms);
    if (const auto n = root.find("exec"); !n)
        fields.problem(root.where(), fmt::format("`exec` is missing: `{}` has the right form", form));
    else if (!n->is_list() || n->size() == 0)
        fields.problem(n->where(),
                       fmt::format("`exec` must be a list, the program and then its arguments, not {}: `{}`",
                                   n->describe(), form));
    else
        spec.exec = fields.texts("exec", *n).value_or(std::vector<std::string>());
    if (const auto n = root.find("every"))
        spec.every = fields.time_span("every", *n, duration(1000)).value_or(spec.every);
    if (const auto n = root.find("timeout"))
        spec.timeout = fields.time_span("timeout", *n, duration(1)).value_or(spec.timeout);
    return spec;
}

} // namespace

generator_spec parse_generator(const std::string& text, const std::string& name)
{
    std::optional<generator_spec> spec;
    host::parse_config(text, name, [&spec](const host::config_document& d) { spec = read_spec(d.root, d.fields); });
    if (!spec)
        throw host::config_error(fmt::format("{}: error: `exec` is missing: `{}` has the right form\n", name, form));
    return std::move(*spec);
}

task<generated> generate(process_runner& processes, generator_spec spec, std::string directory,
                         std::vector<std::string> environment)
{
    branch& here = co_await this_branch();
    auto output = std::make_shared<program_output>();
    process_spec program;
    program.arguments = std::move(spec.exec);
    program.environment = std::move(environment);
    program.directory = std::move(directory);
    program.grace = duration(1000);
    output_sink sink = [output](output_stream s, std::string_view piece) { output->add(s, piece); };
    generated result;
    try {
        auto work = processes.run(std::move(program), std::move(sink));
        const auto end = co_await in_time(std::move(work), here.loop().now() + spec.timeout);
        result.problem =
            end ? problem_of(*end, *output)
                : with_complaints(fmt::format("the program did not end within {}", format_duration(spec.timeout)),
                                  *output);
        if (end)
            result.text = std::move(output->text);
    } catch (const std::exception& e) {
        result.problem = fmt::format("{}\n", e.what());
    }
    co_return result;
}

} // namespace potoo::server
