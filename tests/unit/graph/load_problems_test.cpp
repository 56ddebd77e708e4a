#include "tests/unit/graph/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::graph;
using namespace potoo::graph::test;

namespace {

struct bad_file
{
    const char* source;
    const char* problems;
};

void check(std::initializer_list<bad_file> files)
{
    for (const auto& f : files) {
        BOOST_TEST_INFO("source:\n" << f.source);
        BOOST_TEST(problems_of(f.source) == f.problems);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(load_problems)

BOOST_AUTO_TEST_CASE(unknown_keys_are_reported_with_the_nearest_spelling)
{
    check({
        {"shedule: x\ntasks: {a: {operator: noop}}\n", "1:1: unknown key `shedule` in the DAG [schedule]\n"},
        {"tasks:\n  a: {operator: noop, needs: [b]}\n", "2:23: unknown key `needs` in a task [depends_on]\n"},
        {"tasks:\n  a: {uses: noop}\n",
         "2:3: the task `a` has no `operator`: `a: {operator: shell, with: {command: …}}`\n"
         "2:7: unknown key `uses` in a task [operator]\n"},
        {"tasks:\n  a: {operator: noop, retry: {retries: 2}}\n", "2:31: unknown key `retries` in `retry` [limit]\n"},
        {"tasks:\n  a: {operator: noop, loop: [1]}\n", "2:23: unknown key `loop` in a task [foreach]\n"},
        {"tasks:\n  a: {operator: shell, with: {command: x, zzzzzz: 1}}\n",
         "2:43: unknown key `zzzzzz`; known here: command, cwd in `with` of `shell`\n"},
    });
}

BOOST_AUTO_TEST_CASE(names_that_lead_nowhere_are_reported)
{
    check({
        {"tasks:\n  a: {operator: shel}\n",
         "2:17: unknown operator `shel`; known: http, noop, poller, shell [shell]\n"},
        {"tasks:\n  a: {operator: poler, with: {state: \"${{ job.state }}\"}}\n",
         "2:17: unknown operator `poler`; known: http, noop, poller, shell [poller]\n"},
        {"tasks:\n  lists: {operator: noop}\n  b: {operator: noop, depends_on: [list]}\n",
         "3:36: `depends_on` names `list`, and there is no such task [lists]\n"},
        {"pools: {big: 3}\ntasks:\n  a: {operator: noop, pool: bgi}\n",
         "3:29: there is no pool `bgi`: declare it at the top, `pools: {bgi: 10}` [big]\n"},
        {"tasks:\n  a: {operator: noop, trigger_rule: all_failure}\n",
         "2:37: `all_failure` is no trigger rule; known: all_success, all_done, all_failed, all_skipped, one_success, "
         "one_failed, one_done, none_failed, none_failed_min_one_success, none_skipped, always [all_failed]\n"},
        {"tasks:\n  2a: {operator: noop}\n",
         "2:3: `2a` is no name of a task: it begins with a letter or `_`, then come letters, digits, `_` and `-`\n"},
    });
}

BOOST_AUTO_TEST_CASE(each_cycle_is_reported_once_with_its_path)
{
    check({
        {"tasks:\n  a: {operator: noop, depends_on: [c]}\n  b: {operator: noop, depends_on: [a]}\n"
         "  c: {operator: noop, depends_on: [b]}\n  d: {operator: noop, depends_on: [d, a]}\n",
         "2:36: tasks wait for each other: a → b → c → a\n5:36: tasks wait for each other: d → d\n"},
    });
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_type_or_range_are_reported)
{
    check({
        {"tasks:\n  a: {operator: noop, timeout: 30}\n",
         "2:32: `timeout` must be a duration with its unit, not the number 30 [30s]\n"},
        {"tasks:\n  a: {operator: noop, timeout: soon}\n",
         "2:32: `timeout` must be a duration such as 500ms, 30s, 1h30m or 2d, not the string `soon`\n"},
        {"tasks:\n  a: {operator: noop, retry: {limit: -1, backoff: 0.5, jitter: 2}}\n",
         "2:38: `retry.limit` must be a whole number from 0 to 10000, not the number -1\n"
         "2:51: `retry.backoff` must be a number from 1 to 1000, not the number 0.5\n"
         "2:64: `retry.jitter` must be a number from 0 to 1, not the number 2\n"},
        {"tasks:\n  a: {operator: noop, retry: {delay: 5m, max_delay: 1m}}\n",
         "2:53: `retry.max_delay` must not be less than `retry.delay`, which is 5m\n"},
        {"tasks:\n  a: {operator: noop, key: x, max_active: 3}\n",
         "2:23: `key` has no effect without `foreach`\n2:31: `max_active` has no effect without `foreach`\n"},
        {"tasks:\n  a: {operator: noop, allow_failure: yes}\n",
         "2:38: `allow_failure` must be true or false, not the string `yes`\n"},
        {"pools: {a: 0}\ntasks: {a: {operator: noop}}\n",
         "1:12: `pools.a` must be a whole number from 1 to 1000000, not the number 0\n"},
        {"env: {A-B: x, C: 1.10}\ntasks: {a: {operator: noop}}\n",
         "1:7: `A-B` is no name of an environment variable: letters, digits and `_`, no digit first\n"
         "1:18: `env.C` must be a string, not the number 1.1: put it in quotes\n"},
        {"tasks: [a]\n", "1:8: `tasks` must be a map, not a list: `tasks: {hello: {operator: noop}}`\n"},
        {"name: x\n", "1:1: `tasks` is missing: `tasks: {hello: {operator: noop}}` has the right form\n"},
        {"- a\n", "1:1: a DAG file is a map with the key `tasks`, not a list\n"},
    });
}

BOOST_AUTO_TEST_CASE(what_the_server_uses_is_checked_already)
{
    check({
        {"schedule: 0 2 * *\ntasks: {a: {operator: noop}}\n",
         "1:11: `schedule`: a cron schedule has five fields (minute, hour, day of month, month, day of week), this has "
         "4\n"},
        {"schedule: 0 25 * * *\ntasks: {a: {operator: noop}}\n",
         "1:11: `schedule`: `25` is no hour: `*`, `0`, `0-23`, `*/2` and lists of these with `,` are\n"},
        {"schedule: \"@every soon\"\ntasks: {a: {operator: noop}}\n",
         "1:11: `schedule`: `soon` is no duration: `@every 15m` has the right form\n"},
        {"schedule: \"@daily\"\ntimezone: Europe/Berlim\noverlap: skpi\ntasks: {a: {operator: noop}}\n",
         "2:11: `timezone`: `Europe/Berlim` is no time zone of the tz database; `Europe/Berlin` and `UTC` are\n"
         "3:10: `overlap` must be skip, queue or cancel_running, not `skpi` [skip]\n"},
        {"overlap: skip\ntasks: {a: {operator: noop}}\n",
         "1:1: `overlap` has no effect without `schedule` or `trigger`\n"},
        {"jitter: 5m\ncatchup: all\nmax_active_runs: 2\ntasks: {a: {operator: noop}}\n",
         "1:1: `jitter` has no effect without `schedule`\n2:1: `catchup` has no effect without `schedule`\n"
         "3:1: `max_active_runs` has no effect without `schedule` or `trigger`\n"},
        {"schedule: \"@daily\"\ncatchup: lates\njitter: 5\nmax_active_runs: 0\ntasks: {a: {operator: noop}}\n",
         "2:10: `catchup` must be none, latest or all, not `lates` [latest]\n"
         "3:9: `jitter` must be a duration with its unit, not the number 5 [5s]\n"
         "4:18: `max_active_runs` must be a whole number from 1 to 1000000, not the number 0\n"},
        {"schedule: \"@daily\"\noverlap: cancel_running\nmax_active_runs: 2\ntasks: {a: {operator: noop}}\n",
         "3:18: `max_active_runs` is 1 with `overlap: cancel_running`: a new run ends the one before\n"},
        {"schedule: \"@every 5m\"\ntimezone: Europe/Berlin\ntasks: {a: {operator: noop}}\n",
         "2:1: `timezone` has no effect with `@every`\n"},
        {"schedule: 0 0 30 2 *\ntasks: {a: {operator: noop}}\n",
         "1:11: `schedule`: there is no date with day 30 and month 2\n"},
        {"trigger: other\ntasks: {a: {operator: noop}}\n",
         "1:10: `trigger` must be a map, not the string `other`: `trigger: {after: other_dag}`\n"},
        {"trigger: {}\ntasks: {a: {operator: noop}}\n",
         "1:10: `trigger.after` is missing: `trigger: {after: other_dag}` has the right form\n"},
        {"trigger: {after: []}\ntasks: {a: {operator: noop}}\n",
         "1:18: `trigger.after` names no DAG: `trigger: {after: other_dag}` has the right form\n"},
        {"name: me\ntrigger: {after: [me, a b]}\ntasks: {a: {operator: noop}}\n",
         "2:18: `trigger.after`: `a b` is no name of a DAG: at most 128 letters, digits, `_`, `-` and `.`\n"
         "2:18: `trigger.after`: `me` would trigger itself for ever\n"},
        {"secrets: {a: {env: X, file: y}}\ntasks: {a: {operator: noop}}\n",
         "1:14: `secrets.a` must have exactly one of `env`, `file` and `command`\n"},
        {"connections: {a: {url: x}}\ntasks: {a: {operator: noop}}\n", "1:15: `connections.a.type` is missing\n"},
    });
    for (const auto* good : {"*/5 0-6,12 1 jan-mar MON", "@weekly", "@every 1h30m", "59 23 31 12 7"})
        BOOST_TEST(problems_of(fmt::format("schedule: \"{}\"\ntasks: {{a: {{operator: noop}}}}\n", good)) == "");
}

BOOST_AUTO_TEST_CASE(parameters_must_be_json_schemas)
{
    check({
        {"params: {a: string}\ntasks: {a: {operator: noop}}\n",
         "1:13: `params.a` must be a JSON Schema, not the string `string`: `a: {type: string}` [{type: string}]\n"},
        {"params: {a: {type: strin}}\ntasks: {a: {operator: noop}}\n",
         "1:20: `strin` is no type; known: string, integer, number, boolean, array, object, null [string]\n"},
        {"params: {a: {type: integer, defualt: 3}}\ntasks: {a: {operator: noop}}\n",
         "1:29: `defualt` is no keyword of JSON Schema [default]\n"},
        {"params: {a: {type: integer, default: x}}\ntasks: {a: {operator: noop}}\n",
         "1:38: the default does not match the schema: `params.a.default` must be a whole number, not the string "
         "`x`\n"},
        {"params: {a: {type: string, pattern: '('}}\ntasks: {a: {operator: noop}}\n",
         "1:13: `params.a` is no JSON Schema: `(` is no regular expression: Unmatched marking parenthesis ( or \\(.  "
         "The "
         "error occurred while parsing the regular expression: '(>>>HERE>>>'.\n"},
        {"params: {a: {$ref: '#'}}\ntasks: {a: {operator: noop}}\n",
         "1:14: `$ref` cannot be used in `params`: write the schema out, or use a YAML alias\n"},
    });
}

BOOST_AUTO_TEST_CASE(expressions_are_checked_where_they_stand)
{
    check({
        {"params: {cohort: {type: string}}\ntasks:\n  a: {operator: noop, with: {message: \"é ${{ params.cohrot }} ${{ "
         "item }}\"}}\n",
         "3:53: there is no `cohrot` in `params`: declare it in `params` [cohort]\n"
         "3:67: `item` is known only in a task with `foreach`, and this task has none\n"},
        {"tasks: {a: {operator: noop, with: {message: \"${{ secrets.key }}\"}}}\n",
         "1:58: there is no `key` in `secrets`: declare it in `secrets`, here or in the configuration (which `potoo "
         "validate` takes with --config FILE)\n"},
        {"tasks:\n  a:\n    operator: noop\n    with:\n      message: |\n        first\n        ${{ param.x }}\n",
         "7:13: `param` is not a name that is known here [params]\n"},
        {"tasks:\n  a: {operator: noop}\n  b:\n    operator: noop\n    when: ${{ tasks.a.state == 'success' }}\n",
         "5:15: `a` is not upstream of `b`: add it to `depends_on`\n"},
        {"tasks:\n  alfa: {operator: noop}\n  b:\n    operator: noop\n    depends_on: alfa\n    when: ${{ "
         "tasks.alfa2.state == 'success' }}\n",
         "6:21: there is no `alfa2` in `tasks`: this DAG has no such task [alfa]\n"},
        {"tasks:\n  a: {operator: noop}\n  b:\n    operator: noop\n    depends_on: a\n    when: ${{ tasks.a.outptu "
         "}}\n",
         "6:23: there is no `outptu` in `tasks.a`, only `output`, `state`, `error`, `items` [output]\n"},
        {"tasks:\n  a: {operator: noop, when: attempt == 1}\n",
         "2:29: `when` must be one expression, `when: ${{ … }}`, not the string `attempt == 1` [${{ attempt == 1 "
         "}}]\n"},
        {"tasks:\n  a: {operator: noop, when: true}\n",
         "2:29: `when` must be one expression, `when: ${{ … }}`, not true\n"},
        {"tasks:\n  a: {operator: noop, when: \"${{ run.id }}\"}\n",
         "2:29: `when` must yield true or false, and this yields a string\n"},
        {"secrets: {s: {env: S}}\ntasks:\n  a:\n    operator: noop\n    when: ${{ secrets.s == '' }}\n",
         "5:15: `secrets` may be used in `with`, `env` and `connections` only\n"},
        {"tasks:\n  a:\n    operator: noop\n    foreach: [1]\n    when: ${{ item == 1 }}\n",
         "5:15: `item` is not known in `when`, which is decided once for the whole task\n"},
        {"env: {A: \"${{ tasks.a.output }}\"}\ntasks: {a: {operator: noop}}\n",
         "1:15: `tasks` may be used within a task only\n"},
        {"tasks:\n  a: {operator: noop, foreach: [\"${{ run.id }}\"]}\n",
         "2:32: a list or map in `foreach` is taken as it stands and holds no `${{ }}`: make `foreach` one expression "
         "that "
         "yields the whole list\n"},
    });
}

BOOST_AUTO_TEST_CASE(with_is_checked_against_the_schema_of_the_operator)
{
    check({
        {"tasks:\n  a: {operator: shell, with: {command: 1.10}}\n",
         "2:40: `with.command`: must be a string or a list, not the number 1.1: put it in quotes\n"},
        {"tasks:\n  a: {operator: shell, with: {command: [x, 3]}}\n",
         "2:44: `with.command[1]`: must be a string, not the number 3: put it in quotes\n"},
        {"tasks:\n  a:\n    operator: shell\n    with:\n      cmd: x\n",
         "4:5: `with`: `command` is missing\n5:7: unknown key `cmd` in `with` of `shell` [command]\n"},
        {"tasks:\n  a: {operator: shell}\n", "2:17: `with`: `command` is missing\n"},
        {"tasks:\n  a: {operator: http, with: {url: \"ftp://x\", method: PSOT, timeout: 3}}\n",
         "2:35: `with.url`: must match the pattern `^https?://`, and `ftp://x` does not\n"
         "2:54: `with.method`: must be one of `GET`, `POST`, not `PSOT` [POST]\n"
         "2:69: `with.timeout`: must be a string, not the number 3: put it in quotes\n"},
        {"tasks:\n  a: {operator: poller, with: {state: x, submit: {}}}\n", "2:42: `with.submit`: `url` is missing\n"},
        {"tasks:\n  a: {operator: noop, with: [1]}\n", "2:29: `with` must be a map, not a list\n"},
    });
}

BOOST_AUTO_TEST_CASE(what_an_expression_will_yield_is_not_guessed)
{
    check({
        {"tasks:\n  a: {operator: shell, with: {command: \"${{ run.id }}\"}}\n", ""},
        {"tasks:\n  a: {operator: http, with: {url: \"${{ run.id }}x\", method: \"${{ run.id }}\", timeout: \"${{ "
         "attempt }}s\"}}\n",
         ""},
        {"tasks:\n  a: {operator: noop, with: {message: \"${{ run.id }} and much more than twenty characters\"}}\n",
         ""},
        {"tasks:\n  a: {operator: poller, with: {state: x, submit: \"${{ run.id }}\"}}\n", ""},
        {"tasks:\n  a: {operator: poller, with: {state: x, submit: \"x${{ run.id }}\"}}\n",
         "2:50: `with.submit`: must be a map, not the string `x${{ run.id }}`\n"},
    });
}

BOOST_AUTO_TEST_CASE(yaml_that_cannot_be_read_is_explained)
{
    check({
        {"", "1:1: the file is empty\n"},
        {"# nothing\n", "1:1: the file is empty\n"},
        {"tasks:\n\ta: {operator: noop}\n", "2:1: a tab stands in the indentation: use spaces\n"},
        {"tasks:\n  a: {operator: noop\n", "2:21: `}` or `,` is wanted here\n"},
        {"tasks:\n  a: {operator: noop, with: {message: ${{ run.id }}}}\n",
         "2:40: inside `{ }` or `[ ]` a text with `${{ }}` must be in quotes\n"},
        {"name: {{ x }}\n", "1:8: a key must be a string, not a map: an expression is written `${{ … }}`\n"},
        {"tasks: {}\n---\ntasks: {}\n", "2:1: a second document begins here: a DAG file has one\n"},
        {"tasks:\n  a: {operator: noop}\ntasks: {}\n", "3:1: the key `tasks` stands here twice; it was first at 1:1\n"},
        {"tasks:\n  a: {operator: noop}\n  a: {operator: noop}\n",
         "3:3: the key `a` stands here twice; it was first at 2:3\n"},
        {"tasks:\n  1: {operator: noop}\n", "2:3: a key must be a string: put `1` in quotes\n"},
        {"tasks: {a: *b}\n", "1:12: this alias names an anchor that is not defined above it\n"},
        {"tasks: &t {a: *t}\n", "1:15: an alias cannot stand inside the value that it names\n"},
        {"name: !secret x\n", "1:7: the tag `!secret` has no meaning here\n"},
        {"name: .nan\n", "1:7: `.nan` is no number that JSON can hold: put it in quotes to make it a string\n"},
        {"name: é\xff\n", "1:8: the file is not UTF-8: the byte 0xff is no part of a character here\n"},
        {"name: x\x04y\n", "1:8: the control character 0x04 cannot stand in a DAG file\n"},
    });
}

BOOST_AUTO_TEST_CASE(json_that_cannot_be_read_is_explained)
{
    check({
        {"{\"tasks\": {\"a\": {\"operator\": \"noop\"},}}", "1:38: JSON allows no comma before a closing bracket\n"},
        {"{\"tasks\": {\n  'a': 1}}", "2:3: JSON strings stand in double quotes\n"},
        {"{\"tasks\": {\n  // a\n  \"a\": 1}}", "2:3: JSON has no comments\n"},
        {"{\"tasks\": {", "1:12: the JSON text ends too early: a string, list or map is not closed\n"},
        {"{\"tasks\": {\"a\": {\"operator\": \"noop\"}}} x", "1:40: the JSON text has ended before this\n"},
        {"{\"tasks\": {\"a\": {\"operator\": \"noop\"},\n \"a\": {\"operator\": \"noop\"}}}",
         "2:2: the key `a` stands here twice; it was first at 1:12\n"},
        {"{\"tasks\": {\n  \"a\": {\"operator\": \"noop\", \"needs\": [\"b\"], \"timeout\": 30}}}",
         "2:29: unknown key `needs` in a task [depends_on]\n"
         "2:56: `timeout` must be a duration with its unit, not the number 30 [30s]\n"},
        {"{\"tasks\": {\n  \"a\": {\"operator\": \"noop\", \"with\": {\"message\": \"\\\"${{ x }}\"}}}}",
         "2:56: `x` is not a name that is known here\n"},
    });
}

BOOST_AUTO_TEST_CASE(nesting_and_alias_expansion_are_bounded)
{
    const auto deep = [](const std::string& open, const std::string& close) {
        std::string text = "{\"tasks\": ";
        for (int i = 0; i < 70; ++i)
            text += open;
        for (int i = 0; i < 70; ++i)
            text += close;
        return text + "}";
    };
    BOOST_TEST(problems_of(deep("[", "]")) == "1:74: lists and maps are nested more than 64 deep\n");
    BOOST_TEST(problems_of(deep("[", "]"), source_format::yaml) ==
               "1:74: lists and maps are nested more than 64 deep\n");

    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        bomb += fmt::format("a{}: &a{} [", i, i);
        for (int k = 0; k < 10; ++k)
            bomb += fmt::format("*a{}, ", i - 1);
        bomb += "]\n";
    }
    BOOST_TEST(problems_of(bomb).find("aliases expand to more than 5000000 values") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(at_most_a_hundred_problems_are_shown)
{
    std::string source = "tasks:\n";
    for (int i = 0; i < 250; ++i)
        source += fmt::format("  t{}: {{operator: nop}}\n", i);
    const auto loaded = load_dag(source, "many.yaml", known_operators());
    BOOST_TEST(loaded.problems.size() == 100u);
    BOOST_TEST(loaded.problems_left_out == 150u);
    BOOST_TEST(format_diagnostics(loaded).ends_with("many.yaml: and 150 more\n"));
}

BOOST_AUTO_TEST_CASE(a_problem_is_shown_with_its_line_and_a_caret)
{
    const auto loaded =
        load_dag("tasks:\n  a: {operator: noop, description: \"é\", needs: x}\n", "d.yaml", known_operators());
    BOOST_TEST(format_diagnostics(loaded) ==
               "d.yaml:2:41: error: unknown key `needs` in a task; did you mean `depends_on`?\n"
               "    a: {operator: noop, description: \"é\", needs: x}\n"
               "                                          ^\n");
}

BOOST_AUTO_TEST_CASE(a_long_line_is_cut_around_the_place)
{
    const auto source = "{\"tasks\": {\"a\": {\"operator\": \"noop\", \"description\": \"" + std::string(5000, 'x') +
                        "\", \"neds\": []}}}";
    const auto loaded = load_dag(source, "d.json", known_operators());
    BOOST_TEST_REQUIRE(loaded.problems.size() == 1u);
    const auto& p = loaded.problems[0];
    BOOST_TEST(p.where.column == 5057u);
    BOOST_TEST(p.excerpt_line.size() < 200u);
    BOOST_TEST(p.caret == 82u);
    BOOST_TEST(p.excerpt_line.find("\"neds\"") == p.caret - 1 + std::string_view("…").size() - 1);
}

BOOST_AUTO_TEST_CASE(secrets_that_are_there_without_the_file_need_no_declaration)
{
    const std::string text = "tasks: {a: {operator: noop, env: {K: \"${{ secrets.token }}\"}}}\n";
    const auto load = [&](const load_options& options) { return load_dag(text, "a.yaml", known_operators(), options); };
    BOOST_TEST((load({.secrets = {"token"}}).value != nullptr));
    BOOST_TEST((load({.any_secret = true}).value != nullptr));
    BOOST_TEST((load({}).value == nullptr));
    const auto other = load({.secrets = {"tokens"}});
    BOOST_TEST_REQUIRE(other.problems.size() == 1u);
    BOOST_TEST(other.problems.front().suggestion == "tokens");
}

BOOST_AUTO_TEST_SUITE_END()
