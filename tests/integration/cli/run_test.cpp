#include "program.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>

#include <sstream>

using namespace potoo::cli::test;
namespace json = boost::json;

namespace {

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::vector<json::object> events_of(const std::string& text)
{
    std::vector<json::object> events;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        events.push_back(json::parse(line).as_object());
    return events;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runs)

BOOST_AUTO_TEST_CASE(successful_run_ends_with_0_and_says_so)
{
    const workspace w;
    w.write("a.yaml", "name: small\ntasks:\n  a: {operator: noop}\n  b: {operator: noop, depends_on: [a]}\n");
    const result r = run_potoo(w, {"run", "a.yaml"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(r.out.empty());
    BOOST_TEST(holds(r.err, "b: success"), r.err);
    BOOST_TEST(holds(r.err, "tasks: 2 success"), r.err);
    BOOST_TEST(!holds(r.err, "\x1b"));
    BOOST_TEST(w.has(".potoo/potoo.db"));
}

BOOST_AUTO_TEST_CASE(failed_run_ends_with_1_and_shows_error_and_log)
{
    const workspace w;
    w.write("a.yaml", "tasks: {broken: {operator: shell, with: {command: \"echo before the end; exit 7\"}}}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "--state", "s t"});
    BOOST_TEST(r.code == 1);
    BOOST_TEST(holds(r.err, "| before the end"), r.err);
    BOOST_TEST(holds(r.err, "potoo logs "), r.err);
    BOOST_TEST(holds(r.err, "--state 's t' broken"), r.err);
}

/// How many attempts were under way at once at most, as the events tell it.
int most_at_once(const std::string& events)
{
    int now = 0;
    int most = 0;
    for (const json::object& e : events_of(events)) {
        now += e.at("type") == "attempt_started" ? 1 : 0;
        most = std::max(most, now);
        now -= e.at("type") == "attempt_ended" ? 1 : 0;
    }
    return most;
}

BOOST_AUTO_TEST_CASE(limit_of_attempts_holds_over_all_tasks)
{
    const workspace w;
    w.write("a.yaml", "tasks:\n"
                      "  a: {operator: sleep, foreach: \"${{ range(6) }}\", with: {for: 50ms}}\n"
                      "  b: {operator: sleep, foreach: \"${{ range(6) }}\", with: {for: 50ms}}\n");
    const result free = run_potoo(w, {"run", "a.yaml", "--json"});
    BOOST_TEST(free.code == 0, free.err);
    BOOST_TEST(most_at_once(free.out) == 12);
    const result by_option = run_potoo(w, {"run", "a.yaml", "--json", "--max-attempts", "3"});
    BOOST_TEST(by_option.code == 0, by_option.err);
    BOOST_TEST(most_at_once(by_option.out) == 3);
    w.write(".potoo/config.yaml", "limits: {max_attempts: 2, max_memory: 100GiB}\n");
    const result by_file = run_potoo(w, {"run", "a.yaml", "--json"});
    BOOST_TEST(by_file.code == 0, by_file.err);
    BOOST_TEST(most_at_once(by_file.out) == 2);
    BOOST_TEST(!holds(by_file.err, "memory"), by_file.err);
}

BOOST_AUTO_TEST_CASE(memory_that_is_too_little_is_told_and_the_run_ends_all_the_same)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: sleep, foreach: \"${{ range(4) }}\", with: {for: 20ms}}}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "--max-memory", "1MiB"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "attempts wait for memory"), r.err);
    BOOST_TEST(holds(r.err, "`max_memory` is 1.0 MiB"), r.err);
    BOOST_TEST(most_at_once(run_potoo(w, {"run", "a.yaml", "--json", "--max-memory", "1MiB"}).out) == 1);
}

BOOST_AUTO_TEST_CASE(retries_are_told_as_such_until_the_last)
{
    const workspace w;
    w.write("a.yaml", "tasks: {f: {operator: shell, retry: {limit: 1, delay: 1ms}, with: {command: \"exit 1\"}}}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "--json", "--ephemeral"});
    BOOST_TEST(r.code == 1);
    std::vector<bool> retried;
    for (const auto& e : events_of(r.out))
        if (e.at("type").as_string() == "attempt_ended")
            retried.push_back(e.contains("will_retry"));
    BOOST_TEST((retried == std::vector{true, false}));
}

BOOST_AUTO_TEST_CASE(json_is_one_event_a_line_and_the_last_is_the_end)
{
    const workspace w;
    w.write("a.yaml", "tasks:\n  f: {operator: noop, foreach: [1, 2, 3], key: \"${{ item }}\"}\n  g: {operator: noop, "
                      "depends_on: [f]}\n");
    const result r = run_potoo(w, {"run", "a.yaml", "--json"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(r.err.empty(), r.err);
    const auto events = events_of(r.out);
    BOOST_TEST(events.front().at("type").as_string() == "run_started");
    const auto& last = events.back();
    BOOST_TEST(json::serialize(last) == "{\"type\":\"run_finished\",\"run\":" + json::serialize(last.at("run")) +
                                            ",\"state\":\"success\",\"tasks\":{\"success\":2},\"elapsed_ms\":" +
                                            json::serialize(last.at("elapsed_ms")) + "}");
    BOOST_TEST(holds(r.out, "\"item\":2,\"key\":\"3\""), r.out);
}

BOOST_AUTO_TEST_CASE(ephemeral_run_leaves_nothing)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    BOOST_TEST(run_potoo(w, {"run", "a.yaml", "--ephemeral"}).code == 0);
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(params_reach_tasks)
{
    const workspace w;
    w.write("a.yaml", "params: {who: {type: string}}\ntasks: {a: {operator: shell, with: {command: \"echo hi ${{ "
                      "params.who }}\"}}}\n");
    BOOST_TEST(run_potoo(w, {"run", "a.yaml", "-p", "who=you; exit 9"}).code == 0);
    BOOST_TEST(run_potoo(w, {"logs"}).out == "hi you; exit 9\n");
}

BOOST_AUTO_TEST_CASE(missing_secret_is_bad_usage)
{
    const workspace w;
    w.write("a.yaml",
            "secrets: {t: {env: POTOO_TEST_NOT_SET}}\ntasks: {a: {operator: noop, with: {x: \"${{ secrets.t }}\"}}}\n");
    const result r = run_potoo(w, {"run", "a.yaml"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "POTOO_TEST_NOT_SET"), r.err);
}

BOOST_AUTO_TEST_CASE(unreachable_state_ends_with_4)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    w.write("file", "");
    const result r = run_potoo(w, {"run", "a.yaml", "--state", "file"});
    BOOST_TEST(r.code == 4, r.err);
    BOOST_TEST(run_potoo(w, {"ls", "--state", "nowhere"}).code == 4);
    BOOST_TEST(run_potoo(w, {"status"}).code == 4);
}

BOOST_AUTO_TEST_CASE(nothing_to_resume_is_success)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    const result before = run_potoo(w, {"resume"});
    BOOST_TEST(before.code == 0);
    BOOST_TEST(holds(before.err, "Nothing to resume"));
    BOOST_TEST(!w.has(".potoo"));
    BOOST_TEST(run_potoo(w, {"run", "a.yaml"}).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    const result ended = run_potoo(w, {"resume", latest_run(w)});
    BOOST_TEST(ended.code == 2);
    BOOST_TEST(holds(ended.err, "has ended (success)"), ended.err);
}

BOOST_AUTO_TEST_CASE(damaged_journal_ends_the_run_instead_of_waiting_for_it_to_heal)
{
    const workspace w;
    w.write("a.yaml",
            "tasks: {t: {operator: noop, foreach: \"${{ range(500) }}\", with: {output: \"${{ item }}\"}}}\n");
    for (int i = 0; i < 3; ++i)
        BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    {
        std::fstream db(w.path() / ".potoo" / "potoo.db", std::ios::in | std::ios::out | std::ios::binary);
        const std::string noise(4096, '\x5a');
        for (const int page : {1, 2, 3, 4, 5, 6, 7, 8}) {
            db.seekp(page * 4096);
            db.write(noise.data(), static_cast<std::streamsize>(noise.size()));
        }
    }
    const result r = run_potoo(w, {"run", "a.yaml"});
    BOOST_TEST(r.code == 4, r.err);
    BOOST_TEST(holds(r.err, "damaged"), r.err);
}

BOOST_AUTO_TEST_CASE(resume_of_a_named_directory_that_is_not_there_is_an_error)
{
    const workspace w;
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    const result r = run_potoo(w, {"resume", "--state", "elsewhere"});
    BOOST_TEST(r.code == 4, r.err);
    BOOST_TEST(holds(r.err, "no journal"), r.err);
}

BOOST_AUTO_TEST_CASE(secret_that_a_process_writes_in_two_pieces_is_masked)
{
    const workspace w;
    w.write("token", "sup3rSecretTOK\n");
    w.write("a.yaml", "secrets: {tok: {file: token}}\n"
                      "tasks: {t: {operator: shell, env: {T: \"${{ secrets.tok }}\"},\n"
                      "  with: {command: \"printf sup3r; sleep 0.2; echo SecretTOK\"}}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    BOOST_TEST(run_potoo(w, {"logs"}).out == "***\n");
}

BOOST_AUTO_TEST_SUITE_END()
