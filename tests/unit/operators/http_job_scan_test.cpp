#include "operators/http_job_scan.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo::http_job;

namespace {

struct scanning
{
    answer_scanner scanner;

    std::string state(std::string_view answer, const member_path& path = {"state"})
    {
        const auto found = scanner.state(answer, path);
        return found ? std::string(*found) : "nothing";
    }

    /// `id=state` of each job, or `nothing`.
    std::string jobs(std::string_view answer, const member_path& items = {"jobs"})
    {
        const member_path id{"id"};
        const member_path state{"status", "phase"};
        const auto* found = scanner.jobs(answer, items, id, state);
        if (!found)
            return "nothing";
        std::string all;
        for (const auto& j : *found)
            all += std::string(j.id) + "=" + std::string(j.state) + " ";
        return all;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(http_job_scan, scanning)

BOOST_AUTO_TEST_CASE(path_of_members_is_told_from_other_expressions)
{
    BOOST_CHECK(member_path_of(" job.state ", "job") == member_path{"state"});
    BOOST_CHECK(member_path_of("job.a-b._c", "job") == (member_path{"a-b", "_c"}));
    for (const char* other : {"job", "jobs.state", "job[0]", "job.a[0]", "job.a || b", "job.", "job..a", "job['a']",
                              "default(job.a, 'b')", "job.a == 'b'", "", "response.a"})
        BOOST_TEST(!member_path_of(other, "job"), other);
}

BOOST_AUTO_TEST_CASE(state_is_found_at_its_path_and_nowhere_else)
{
    BOOST_TEST(state(R"({"id": 1, "state": "RUNNING", "n": [1, {"state": "x"}]})") == "RUNNING");
    BOOST_TEST(state(R"({"a": {"state": "no"}, "state": "yes", "b": {"state": "no"}})") == "yes");
    BOOST_TEST(state(R"({"a": {"b": {"c": "deep"}, "c": "x"}, "b": {"c": "y"}})", {"a", "b", "c"}) == "deep");
    BOOST_TEST(state(R"([{"state": "in an array"}])") == "nothing");
    BOOST_TEST(state(R"({"a": [{"b": "x"}]})", {"a", "b"}) == "nothing");
    BOOST_TEST(state(R"({"state": ""})") == "");
    BOOST_TEST(state("{}") == "nothing");
}

BOOST_AUTO_TEST_CASE(last_of_two_members_counts_as_in_a_value)
{
    BOOST_TEST(state(R"({"state": "a", "state": "b"})") == "b");
    BOOST_TEST(state(R"({"state": "a", "state": 1})") == "nothing");
    BOOST_TEST(state(R"({"a": {"state": "x"}, "a": {}})", {"a", "state"}) == "nothing");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_or_no_string_is_left_to_others)
{
    for (const char* bad :
         {"", "{", R"({"state": "a"} x)", R"({"state": "a",})", R"({"state": 1})", R"({"state": null})",
          R"({"state": {"a": 1}})", R"({"state": ["a"]})", "\"state\"", R"({"state": "\ud800"})"})
        BOOST_TEST(state(bad) == "nothing", bad);
    BOOST_TEST(state(std::string(200, '[') + std::string(200, ']')) == "nothing");
}

BOOST_AUTO_TEST_CASE(escapes_are_left_to_others)
{
    BOOST_TEST(state(R"({"state": "a\nb"})") == "nothing");
    BOOST_TEST(state("{\"state\": \"a\\u0062\"}") == "nothing");
}

BOOST_AUTO_TEST_CASE(jobs_of_a_list_are_found)
{
    BOOST_TEST(jobs(R"({"n": 2, "jobs": [{"id": "1", "status": {"phase": "A"}}, {"status": {"phase": "B", "x": {}},
                        "id": "2", "tags": [{"id": "no"}]}], "next": null})") == "1=A 2=B ");
    BOOST_TEST(jobs(R"({"jobs": []})") == "");
    BOOST_TEST(jobs(R"({"a": {"jobs": [{"id": "1", "status": {"phase": "A"}}]}})", {"a", "jobs"}) == "1=A ");
}

BOOST_AUTO_TEST_CASE(lists_that_must_be_read_as_a_whole_are_left_to_others)
{
    for (const char* other :
         {"{}", R"({"jobs": {}})", R"({"jobs": null})", R"({"jobs": [1]})", R"({"jobs": ["a"]})", R"({"jobs": [[]]})",
          R"({"jobs": [{"id": 1, "status": {"phase": "A"}}]})", R"({"jobs": [{"id": "1"}]})",
          R"({"jobs": [{"status": {"phase": "A"}}]})", R"({"jobs": [{"id": "\n", "status": {"phase": "A"}}]})",
          R"({"jobs": [], "jobs": []})", R"({"jobs": [{"id": "1", "status": "A"}]})", R"([{"id": "1"}])"})
        BOOST_TEST(jobs(other) == "nothing", other);
}

BOOST_AUTO_TEST_SUITE_END()
