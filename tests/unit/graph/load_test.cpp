#include "tests/unit/graph/loading.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

using namespace potoo;
using namespace potoo::graph;
using namespace potoo::graph::test;
using namespace std::chrono_literals;

namespace {

const std::string nightly = R"yaml(
name: nightly-align
schedule: "0 2 * * *"
timezone: Europe/Berlin
overlap: queue
catchup: all
max_active_runs: 3
jitter: 5m
deadline: 8h
params:
  cohort: {type: string}
  lanes: {type: integer, default: 4}
defaults: {timeout: 2h, retry: {limit: 3, delay: 30s, backoff: 2}, pool: small}
pools: {small: 5, large: 500}
env: {STAGE: prod, LEVEL: 3}
secrets: {token: {env: TOKEN}, key: {file: /run/key}, code: {command: [pass, show, code]}}
connections:
  hpc: {type: slurm, url: "http://login1:6820", token: "${{ secrets.token }}"}
fail_fast: true
plugins: [libmine.so]
tasks:
  list:
    operator: shell
    with: {command: './list.sh "${{ params.cohort }}"'}
  align:
    description: One job a sample
    operator: noop
    depends_on: [list]
    foreach: ${{ tasks.list.output.samples }}
    key: ${{ item.id }}
    max_active: 2000
    retry: 7
    pool: large
    env: {LEVEL: "${{ item.level }}", TOKEN: "${{ secrets.token }}"}
    with: {message: "${{ item.id }} of ${{ run.id }}, try ${{ attempt }}"}
  merge:
    operator: shell
    depends_on: align
    when: ${{ params.cohort != 'test' && tasks.list.state == 'success' }}
    priority: -3
    allow_failure: true
    timeout: 15m
    with: {command: [merge, "${{ tasks.list.output }}"]}
  page:
    operator: http
    depends_on: [merge, list, merge]
    trigger_rule: one_failed
    with: {method: POST, url: "https://hooks.example/x", body: "${{ tasks.merge.error }}"}
)yaml";

std::vector<std::string> names_of(const dag& d, const std::vector<task_index>& tasks)
{
    std::vector<std::string> names;
    for (const auto t : tasks)
        names.push_back(d[t].name);
    return names;
}

const task_spec& task_named(const dag& d, std::string_view name)
{
    return d[d.find(name).value()];
}

} // namespace

BOOST_AUTO_TEST_SUITE(load)

BOOST_AUTO_TEST_CASE(a_dag_may_follow_others_without_a_calendar)
{
    const auto d = load_good("trigger: {after: [b, a, b]}\ntasks: {x: {operator: noop}}\n");
    const auto& s = d->schedule.value();
    BOOST_TEST(s.expression == "");
    BOOST_TEST((s.after == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(s.overlap == "queue");
    BOOST_TEST(load_good("trigger: {after: a}\noverlap: skip\ntasks: {x: {operator: noop}}\n")->schedule->overlap ==
               "skip");
    BOOST_TEST(load_good("schedule: \"@daily\"\ntasks: {x: {operator: noop}}\n")->schedule->catchup == "latest");
}

BOOST_AUTO_TEST_CASE(everything_of_a_full_file_is_read)
{
    const auto d = load_good(nightly);
    BOOST_TEST(d->name == "nightly-align");
    BOOST_TEST(d->schedule.value().expression == "0 2 * * *");
    BOOST_TEST(d->schedule.value().timezone == "Europe/Berlin");
    BOOST_TEST(d->schedule.value().overlap == "queue");
    BOOST_TEST(d->schedule.value().catchup == "all");
    BOOST_TEST(d->schedule.value().max_active_runs == 3u);
    BOOST_TEST((d->schedule.value().jitter == 5min));
    BOOST_TEST(d->schedule.value().after.empty());
    BOOST_TEST((d->deadline == duration(8h)));
    BOOST_TEST(d->fail_fast);
    BOOST_TEST(d->plugins == std::vector<std::string>{"libmine.so"}, boost::test_tools::per_element());
    BOOST_TEST(d->pools.at(1).slots == 500u);
    BOOST_TEST(d->params_schema.size() == 2u);
    BOOST_TEST((d->secrets.at(1).from == secret_source::kind::file));
    BOOST_TEST(d->secrets.at(2).argument.at(2) == "code");
    BOOST_TEST(d->connections.at(0).type == "slurm");
    BOOST_TEST(!d->connections.at(0).settings.member("type").has_value());
    BOOST_TEST(d->source == nightly);

    const auto& align = task_named(*d, "align");
    BOOST_TEST(align.description == "One job a sample");
    BOOST_TEST(align.where.line == 25u);
    BOOST_TEST(align.foreach.value().source() == " tasks.list.output.samples ");
    BOOST_TEST(align.key.has_value());
    BOOST_TEST(align.max_active == 2000u);
    BOOST_TEST(d->pools.at(align.pool.value().value()).name == "large");

    const auto& merge = task_named(*d, "merge");
    BOOST_TEST(merge.when.has_value());
    BOOST_TEST(merge.priority == -3);
    BOOST_TEST(merge.allow_failure);
    BOOST_TEST((merge.timeout == duration(15min)));
}

BOOST_AUTO_TEST_CASE(edges_follow_depends_on_without_repeats)
{
    const auto d = load_good(nightly);
    BOOST_TEST(names_of(*d, task_named(*d, "page").upstream) == (std::vector<std::string>{"merge", "list"}),
               boost::test_tools::per_element());
    BOOST_TEST(names_of(*d, task_named(*d, "list").downstream) == (std::vector<std::string>{"align", "page"}),
               boost::test_tools::per_element());
    BOOST_TEST(names_of(*d, d->topological_order) == (std::vector<std::string>{"list", "align", "merge", "page"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(defaults_are_laid_under_what_a_task_says)
{
    const auto d = load_good(nightly);
    const auto& list = task_named(*d, "list");
    BOOST_TEST((list.timeout == duration(2h)));
    BOOST_TEST(list.retry->limit == 3u);
    BOOST_TEST(list.retry->backoff == 2.0);
    BOOST_TEST(d->pools.at(list.pool.value().value()).name == "small");
    const auto& align = task_named(*d, "align");
    BOOST_TEST(align.retry->limit == 7u);
    BOOST_TEST((align.retry->delay == duration(30s)));
}

BOOST_AUTO_TEST_CASE(the_environment_of_a_task_is_laid_over_that_of_the_dag)
{
    const auto d = load_good(nightly);
    const auto& list = task_named(*d, "list").env;
    BOOST_TEST(list.size() == 2u);
    BOOST_TEST(list.at(1).second.render(bindings()) == json::value("3"));
    const auto& align = task_named(*d, "align").env;
    BOOST_TEST(align.size() == 3u);
    BOOST_TEST(align.at(0).first == "STAGE");
    BOOST_TEST(align.at(1).second.is_expression());
    BOOST_TEST(align.at(2).first == "TOKEN");
}

BOOST_AUTO_TEST_CASE(all_eleven_trigger_rules_are_read)
{
    BOOST_TEST(trigger_rule_names().size() == 11u);
    for (const auto name : trigger_rule_names()) {
        const auto d = load_good(fmt::format("tasks: {{a: {{operator: noop, trigger_rule: {}}}}}", name));
        BOOST_TEST(to_string(d->tasks.at(0).rule) == name);
    }
}

BOOST_AUTO_TEST_CASE(a_dag_without_a_name_is_called_like_its_file)
{
    const auto name_for = [](const char* source_name) {
        return load_dag("tasks: {a: {operator: noop}}", source_name, known_operators()).value->name;
    };
    BOOST_TEST(name_for("/data/dags/night ly.v2.yaml") == "night_ly.v2");
    BOOST_TEST(name_for("-") == "dag");
}

BOOST_AUTO_TEST_CASE(a_literal_foreach_yields_its_elements)
{
    const auto d = load_good("tasks: {a: {operator: noop, foreach: [1, \"it's\", {k: null}]}}");
    BOOST_TEST(d->tasks[0].foreach.value().evaluate(bindings()) == json::parse(R"([1, "it's", {"k": null}])"));
}

BOOST_AUTO_TEST_CASE(plugins_are_found_before_their_operators_are_known)
{
    BOOST_TEST(plugins_of("plugins: [a.so, b.so]\ntasks: {x: {operator: mine}}", "-") ==
                   (std::vector<std::string>{"a.so", "b.so"}),
               boost::test_tools::per_element());
    BOOST_TEST(plugins_of("{\"plugins\": \"a.so\"}", "-").size() == 1u);
    BOOST_TEST(plugins_of("tasks: {x: {operator: plugins}}", "-").empty());
    BOOST_TEST(plugins_of("plugins: [", "-").empty());
}

BOOST_AUTO_TEST_CASE(a_block_scalar_may_hold_one_expression)
{
    const auto d = load_good("tasks:\n  a:\n    operator: noop\n    when: |\n      ${{ 1 == 1 }}\n");
    BOOST_TEST(d->tasks[0].when.value().evaluate_bool(bindings()));
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_does_not_move_places)
{
    BOOST_TEST(problems_of("\xEF\xBB\xBFtaks: {}\n").starts_with("1:1: `tasks` is missing"));
    BOOST_TEST(load_good("\xEF\xBB\xBFtasks: {a: {operator: noop}}\n")->tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_long_delay_is_not_cut_by_a_limit_nobody_set)
{
    const auto d = load_good("tasks: {a: {operator: noop, retry: {limit: 1, delay: 3h}}}");
    BOOST_TEST((d->tasks[0].retry->max_delay == duration(3h)));
}

BOOST_AUTO_TEST_CASE(yaml_anchors_and_merge_keys_are_followed)
{
    const auto d = load_good(R"yaml(
defaults:
  retry: &slow {limit: 9, delay: 1m}
tasks:
  a: &base {operator: noop, retry: *slow, timeout: 5m}
  b: {<<: *base, timeout: 6m}
  c: {<<: [{priority: 4}, *base]}
)yaml");
    BOOST_TEST(task_named(*d, "b").retry->limit == 9u);
    BOOST_TEST((task_named(*d, "b").timeout == duration(6min)));
    BOOST_TEST(task_named(*d, "c").priority == 4);
    BOOST_TEST(task_named(*d, "c").operator_name == "noop");
}

BOOST_AUTO_TEST_CASE(plain_yaml_scalars_have_the_types_of_the_core_schema)
{
    const auto d = load_good(R"yaml(
params:
  p:
    default: [yes, on, 007, 0x1F, 0o17, 1e3, -5, +5, .5, ~, "1", true, 1_000, 2026-01-01, 18446744073709551615, 00.5, 'null', !!str 12]
tasks: {a: {operator: noop}}
)yaml");
    BOOST_TEST(
        d->params_schema.at("p").at("default") ==
        json::parse(
            R"(["yes", "on", "007", 31, 15, 1000.0, -5, 5, 0.5, null, "1", true, "1_000", "2026-01-01", 18446744073709551615, "00.5", "null", "12"])"));
}

BOOST_AUTO_TEST_CASE(json_is_the_same_document)
{
    const auto d = load_good(R"({"name": "j", "tasks": {
        "a": {"operator": "shell", "with": {"command": ["x", "${{ attempt }}"]}},
        "b": {"operator": "noop", "depends_on": ["a"]}}})");
    BOOST_TEST(d->name == "j");
    BOOST_TEST(task_named(*d, "b").where.line == 3u);
    BOOST_TEST(task_named(*d, "b").where.column == 9u);
}

BOOST_AUTO_TEST_CASE(late_properties_may_use_late_names)
{
    BOOST_TEST(problems_of(R"yaml(
tasks:
  a: {operator: poller, with: {state: "${{ job.state }}", submit: {url: "x${{ launch_token }}"}}}
)yaml") == "");
    BOOST_TEST(problems_of(R"yaml(
tasks:
  a: {operator: poller, with: {state: "${{ job.state }}", submit: {url: "x${{ job.id }}"}}}
)yaml") == "3:79: `job` is not a name that is known here\n");
}

BOOST_AUTO_TEST_CASE(an_expression_for_an_ancestor_far_away_is_accepted)
{
    std::string source = "tasks:\n  t0: {operator: noop}\n";
    for (int i = 1; i < 2000; ++i)
        source += fmt::format(
            "  t{}: {{operator: noop, depends_on: [t{}], with: {{message: \"${{{{ tasks.t{}.output }}}}\"}}}}\n", i,
            i - 1, i / 3);
    BOOST_TEST(load_good(source)->tasks.size() == 2000u);
}

BOOST_AUTO_TEST_CASE(random_mutations_never_crash_the_loader)
{
    const auto json_form =
        std::string(R"({"params": {"p": {"type": "string", "pattern": "^a+$", "default": "aa"}}, "tasks": {
        "a": {"operator": "shell", "with": {"command": "é ${{ params.p }} \u00e9"}, "retry": {"limit": 3}},
        "b": {"operator": "http", "depends_on": ["a"], "foreach": [1, 2.5], "with": {"url": "http://x/${{ item }}"}}}})");
    std::mt19937 random(20260101);
    const auto below = [&](std::size_t n) { return random() % n; };
    const std::string likely = "{}[]:,-&*!|>'\"%@`#\n\t $\x04\xff~<?";
    std::size_t good = 0;
    for (int round = 0; round < 4000; ++round) {
        auto source = round % 2 == 0 ? nightly : json_form;
        for (auto changes = 1 + below(4); changes > 0; --changes) {
            const auto at = below(source.size());
            switch (below(4)) {
            case 0:
                source[at] = static_cast<char>(random());
                break;
            case 1:
                source[at] = likely[below(likely.size())];
                break;
            case 2:
                source.erase(at, 1 + below(8));
                break;
            default:
                source.insert(at, source.substr(below(source.size()), below(30)));
                break;
            }
            if (source.empty())
                source = " ";
        }
        const auto loaded = load_dag(source, "test.dag", known_operators());
        BOOST_TEST_REQUIRE((loaded.value == nullptr) == !loaded.problems.empty());
        BOOST_TEST_REQUIRE(format_diagnostics(loaded).empty() == loaded.problems.empty());
        good += loaded.value ? 1 : 0;
    }
    BOOST_TEST(good > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
