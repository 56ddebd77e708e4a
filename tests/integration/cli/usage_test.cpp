#include "program.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace potoo::cli::test;

namespace {

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

const char* const small_dag = "params: {n: {type: integer, default: 1}}\ntasks: {a: {operator: noop}}\n";

} // namespace

BOOST_AUTO_TEST_SUITE(usage)

BOOST_AUTO_TEST_CASE(unknown_commands_and_options_suggest_the_nearest)
{
    const workspace w;
    w.write("a.yaml", small_dag);
    const result command = run_potoo(w, {"validte", "a.yaml"});
    BOOST_TEST(command.code == 2);
    BOOST_TEST(holds(command.err, "did you mean validate?"), command.err);
    const result option = run_potoo(w, {"run", "a.yaml", "--ephemral"});
    BOOST_TEST(option.code == 2);
    BOOST_TEST(holds(option.err, "did you mean --ephemeral?"), option.err);
    const result file = run_potoo(w, {"a.yaml"});
    BOOST_TEST(file.code == 2);
    BOOST_TEST(holds(file.err, "potoo run a.yaml"), file.err);
}

BOOST_AUTO_TEST_CASE(bad_usage_ends_with_2_and_says_why)
{
    const workspace w;
    w.write("a.yaml", small_dag);
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"run"},
                                                      {"run", "a.yaml", "b.yaml"},
                                                      {"run", "--state"},
                                                      {"graph", "a.yaml", "--format", "png"},
                                                      {"ls", "-o", "xml"},
                                                      {"ls", "--limit", "many"},
                                                      {"ls", "--limit", "-3"},
                                                      {"logs", "--attempt", "0"},
                                                      {"run", "nothing.yaml"},
                                                      {"run", "."},
                                                      {"operators", "shel"},
                                                      {"completion", "fish"},
                                                      {"run", "a.yaml", "--on-stop=maybe"},
                                                      {"run", "a.yaml", "--plugin", "no.so"}};
    for (const auto& arguments : wrong) {
        const result r = run_potoo(w, arguments);
        BOOST_TEST_CONTEXT(arguments.size()
                           << " arguments, " << (arguments.empty() ? "" : arguments.back()) << ": " << r.err)
        {
            BOOST_TEST(r.code == 2);
            BOOST_TEST(r.out.empty());
            BOOST_TEST(!r.err.empty());
        }
    }
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(limits_that_are_none_are_refused)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    const auto refused = [&](const std::string& option, const std::string& value, const std::string& why) {
        const result r = run_potoo(w, {"run", "a.yaml", option, value});
        BOOST_TEST(r.code == 2);
        BOOST_TEST(holds(r.err, option), r.err);
        BOOST_TEST(holds(r.err, why), r.err);
    };
    refused("--max-attempts", "0", "1");
    refused("--max-attempts", "many", "many");
    refused("--max-memory", "2G", "such as 512MiB or 2GiB");
    refused("--max-memory", "0B", "such as 512MiB or 2GiB");
    refused("--max-memory", "2048", "such as 512MiB or 2GiB");
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(help_and_version_are_data)
{
    const workspace w;
    const result version = run_potoo(w, {"--version"});
    BOOST_TEST(version.code == 0);
    BOOST_TEST(holds(version.out, "Boost"));
    for (const char* command :
         {"run",        "resume", "validate", "graph", "schema",   "operators", "ls",     "status", "logs",
          "completion", "cancel", "retry",    "pause", "complete", "trigger",   "submit", "tasks",  "pools",
          "why",        "diff",   "replay",   "token", "config",   "approve",   "server", "gc"}) {
        const result help = run_potoo(w, {command, "--help"});
        BOOST_TEST(help.code == 0);
        BOOST_TEST(holds(help.out, "xample"), command);
        BOOST_TEST(help.err.empty());
    }
}

BOOST_AUTO_TEST_CASE(bad_dag_is_told_whole_and_nothing_is_created)
{
    const workspace w;
    w.write("bad.yaml", "tasks:\n  a: {operator: nop, needs: [b]}\n  c: {operator: noop, depends_on: [d]}\n");
    for (const char* command : {"run", "validate", "graph"}) {
        const result r = run_potoo(w, {command, "bad.yaml"});
        BOOST_TEST(r.code == 2);
        BOOST_TEST(holds(r.err, "bad.yaml:2:"), r.err);
        BOOST_TEST(holds(r.err, "did you mean `noop`?"), r.err);
        BOOST_TEST(holds(r.err, "bad.yaml:3:"), r.err);
    }
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(bad_params_are_told_whole_and_nothing_is_created)
{
    const workspace w;
    w.write("a.yaml", "params: {n: {type: integer}, cohort: {type: string}}\ntasks: {a: {operator: noop}}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "-p", "n=x", "-p", "cohrt=y", "-p", "z"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "`n` must be a whole number"), r.err);
    BOOST_TEST(holds(r.err, "did you mean `cohort`?"), r.err);
    BOOST_TEST(holds(r.err, "`cohort` must be given"), r.err);
    BOOST_TEST(holds(r.err, "write -p name=value"), r.err);
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(params_files_are_json_or_yaml)
{
    const workspace w;
    w.write("a.yaml", "params: {n: {type: integer}, who: {type: string}}\ntasks: {a: {operator: noop}}\n");
    w.write("p.yaml", "n: 3\nwho: me\n");
    w.write("p.json", "{\"n\": 3, \"who\": \"me\"}");
    w.write("list.yaml", "[1, 2]\n");
    w.write("broken.json", "{\"n\": }");
    for (const char* file : {"p.yaml", "p.json"}) {
        const result r = run_potoo(w, {"run", "a.yaml", "--params-file", file, "-p", "n=4", "--dry-run", "--json"});
        BOOST_TEST(r.code == 0, r.err);
        BOOST_TEST(holds(r.out, "\"params\":{\"n\":4,\"who\":\"me\"}"), r.out);
    }
    const result list = run_potoo(w, {"run", "a.yaml", "--params-file", "list.yaml"});
    BOOST_TEST(list.code == 2);
    BOOST_TEST(holds(list.err, "a map of parameters is wanted"), list.err);
    const result broken = run_potoo(w, {"run", "a.yaml", "--params-file", "broken.json"});
    BOOST_TEST(broken.code == 2);
    BOOST_TEST(holds(broken.err, "broken.json:1:"), broken.err);
}

BOOST_AUTO_TEST_CASE(dry_run_starts_and_writes_nothing)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: shell, with: {command: \"touch made\"}}}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "--dry-run"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "touch made"));
    BOOST_TEST(!w.has("made"));
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(validate_and_graph_read_standard_input)
{
    const workspace w;
    start_options in;
    in.input = small_dag;
    const result valid = run_potoo(w, {"validate", "-"}, in);
    BOOST_TEST(valid.code == 0, valid.err);
    BOOST_TEST(valid.out == "stdin: stdin is valid: 1 task in 1 layer, 1 parameter\n");
    const result drawn = run_potoo(w, {"graph", "-", "--format", "dot"}, in);
    BOOST_TEST(holds(drawn.out, "digraph"), drawn.err);
    const result as_json = run_potoo(w, {"validate", "-", "-o", "json"}, in);
    BOOST_TEST(boost::json::parse(as_json.out).at("valid").as_bool());
    in.input = "tasks: {a: {operator: nop}}";
    const result bad = run_potoo(w, {"validate", "-", "-o", "json"}, in);
    BOOST_TEST(bad.code == 2);
    BOOST_TEST(boost::json::parse(bad.out).at("problems").at(0).at("suggestion").as_string() == "noop");
}

BOOST_AUTO_TEST_CASE(schema_and_operators_are_json_documents)
{
    const workspace w;
    BOOST_TEST(boost::json::parse(run_potoo(w, {"schema"}).out).at("title").as_string() == "potoo DAG");
    BOOST_TEST(boost::json::parse(run_potoo(w, {"operators", "-o", "json"}).out).as_array().size() >= 8u);
    BOOST_TEST(boost::json::parse(run_potoo(w, {"operators", "shell", "-o", "json"}).out).at("name").as_string() ==
               "shell");
    BOOST_TEST(holds(run_potoo(w, {"operators", "shell"}).out, "command"));
    BOOST_TEST(holds(run_potoo(w, {"operators", "shel"}).err, "did you mean shell?"));
}

BOOST_AUTO_TEST_CASE(closed_output_ends_quietly)
{
    const workspace w;
    start_options closed;
    closed.output_closed = true;
    for (const std::vector<std::string>& command : {std::vector<std::string>{"schema"}, {"operators"}, {"--help"}}) {
        const result r = run_potoo(w, command, closed);
        BOOST_TEST(r.code == 0);
        BOOST_TEST(r.err.empty(), r.err);
    }
}

BOOST_AUTO_TEST_SUITE_END()
