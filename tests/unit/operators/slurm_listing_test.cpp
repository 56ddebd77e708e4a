// What is read of Slurm's list of jobs, and what its states mean.

#include "operators/slurm/controller_clock.hpp"
#include "operators/slurm/job_files.hpp"
#include "operators/slurm/job_key.hpp"
#include "operators/slurm/job_state.hpp"
#include "operators/slurm/listing_scan.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::slurm;

namespace {

// As v0.0.38 writes it, with what is to be passed over.
const std::string old_listing = R"({"meta": {"plugin": {"name": "x"}, "jobs": [{"job_id": 99}]}, "errors": [],
 "jobs": [
  {"account": "", "array_job_id": 0, "array_task_id": null, "array_task_string": "", "comment": "tok\u0065n \"1\"",
   "exit_code": 768, "job_id": 17, "job_state": "FAILED", "name": "n", "nodes": "vm", "batch_host": "vm.x",
   "job_resources": {"job_id": 5, "allocated_nodes": [{"sockets": {"0": {"name": "deep", "number": 4}}}]},
   "standard_output": "\/tmp\/%j-%x.out", "standard_error": "", "current_working_directory": "\/w", "restart_cnt": 2,
   "state_reason": "NonZeroExitCode", "state_description": "", "submit_time": 100, "last_sched_evaluation": 90,
   "end_time": 120, "user_name": "u", "required_nodes": "", "time_limit": null, "billable_tres": 1.5},
  {"array_job_id": 20, "array_task_id": null, "array_task_string": "3,7-9%2", "job_id": 20, "job_state": "PENDING",
   "exit_code": 0, "end_time": 9000, "submit_time": 130, "comment": "group",
   "accrue_time": 9000, "eligible_time": 9000},
  {"array_job_id": 20, "array_task_id": 0, "job_id": 21, "job_state": "RUNNING", "start_time": 1, "end_time": 9000}
 ]}
)";

// As v0.0.40 writes it.
const std::string new_listing = R"({"last_update": {"set": true, "infinite": false, "number": 777}, "jobs": [
  {"job_id": 17, "array_job_id": {"set": true, "infinite": false, "number": 0},
   "array_task_id": {"set": false, "infinite": false, "number": 0}, "job_state": ["CANCELLED", "COMPLETING"],
   "exit_code": {"status": ["ERROR"], "return_code": {"set": true, "infinite": false, "number": 3},
                 "signal": {"id": {"set": false, "infinite": false, "number": 0}, "name": ""}},
   "submit_time": {"set": true, "infinite": false, "number": 55}, "comment": "token"},
  {"job_id": 22, "array_job_id": {"set": true, "infinite": false, "number": 20},
   "array_task_id": {"set": true, "infinite": false, "number": 5}, "job_state": ["FAILED"],
   "exit_code": {"status": ["SIGNALED"], "return_code": {"set": false, "infinite": false, "number": 0},
                 "signal": {"id": {"set": true, "infinite": false, "number": 9}, "name": "KILL"}}}]})";

std::vector<listed_job> scanned(const std::vector<std::string>& pieces, bool& good, std::int64_t* made_at = nullptr)
{
    std::vector<listed_job> all;
    listing_scanner s([&](const listed_job& j) { all.push_back(j); });
    good = true;
    for (const auto& piece : pieces)
        good = good && s.add(piece);
    good = good && s.finish();
    if (made_at)
        *made_at = s.made_at();
    return all;
}

std::string shown(const listed_job& j)
{
    std::string t;
    for (const auto n : {j.id, j.array_id, std::uint64_t(j.element), std::uint64_t(j.exit_status),
                         std::uint64_t(j.restarts), std::uint64_t(j.stamp)})
        t += std::to_string(n) + "|";
    for (const auto* s : {&j.elements, &j.state, &j.reason, &j.comment, &j.name, &j.user, &j.standard_output,
                          &j.standard_error, &j.directory, &j.nodes, &j.batch_host})
        t += *s + "|";
    return t;
}

std::vector<std::string> all_shown(const std::vector<listed_job>& jobs)
{
    std::vector<std::string> t;
    for (const auto& j : jobs)
        t.push_back(shown(j));
    return t;
}

listed_job in_state(std::string state, std::uint32_t exit_status = 0, std::string reason = "None")
{
    listed_job j;
    j.id = 7;
    j.state = std::move(state);
    j.exit_status = exit_status;
    j.reason = std::move(reason);
    return j;
}

} // namespace

BOOST_AUTO_TEST_SUITE(slurm_listing)

BOOST_AUTO_TEST_CASE(list_of_the_old_version_is_read)
{
    bool good = false;
    const auto jobs = scanned({old_listing}, good);
    BOOST_TEST(good);
    BOOST_REQUIRE(jobs.size() == 3U);
    BOOST_TEST(shown(jobs[0]) == "17|0|4294967295|768|2|120||FAILED|NonZeroExitCode|token \"1\"|n|u|/tmp/%j-%x.out||/w|"
                                 "vm|vm.x|");
    BOOST_TEST(shown(jobs[1]) == "20|20|4294967295|0|0|130|3,7-9%2|PENDING||group||||||||");
    BOOST_TEST(shown(jobs[2]) == "21|20|0|0|0|0||RUNNING||||||||||");
}

BOOST_AUTO_TEST_CASE(list_of_the_new_version_is_read)
{
    bool good = false;
    std::int64_t made_at = 0;
    const auto jobs = scanned({new_listing}, good, &made_at);
    BOOST_TEST(good);
    BOOST_TEST(made_at == 777);
    BOOST_REQUIRE(jobs.size() == 2U);
    BOOST_TEST(shown(jobs[0]) == "17|0|4294967295|768|0|55||CANCELLED COMPLETING||token||||||||");
    BOOST_TEST(shown(jobs[1]) == "22|20|5|9|0|0||FAILED||||||||||");
}

BOOST_AUTO_TEST_CASE(pieces_may_end_anywhere)
{
    for (const std::string& text : {old_listing, new_listing}) {
        bool good = false;
        const auto whole = all_shown(scanned({text}, good));
        for (std::size_t i = 0; i <= text.size(); ++i) {
            const auto jobs = all_shown(scanned({text.substr(0, i), text.substr(i)}, good));
            BOOST_TEST(good, "split at " << i);
            BOOST_TEST((jobs == whole), "split at " << i);
        }
        std::vector<std::string> letters;
        for (const char c : text)
            letters.emplace_back(1, c);
        BOOST_TEST((all_shown(scanned(letters, good)) == whole));
        BOOST_TEST(good);
    }
}

BOOST_AUTO_TEST_CASE(list_that_is_cut_or_none_is_refused)
{
    bool good = false;
    const std::string text = old_listing.substr(0, old_listing.rfind('}'));
    for (std::size_t i = 0; i < text.size(); i += 7) {
        scanned({text.substr(0, i)}, good);
        BOOST_TEST(!good, "cut at " << i);
    }
    scanned({"{\"errors\": []}"}, good);
    BOOST_TEST(!good);
    scanned({"<html>"}, good);
    BOOST_TEST(!good);
    scanned({old_listing, "x"}, good);
    BOOST_TEST(!good);
}

BOOST_AUTO_TEST_CASE(overlong_text_is_cut)
{
    bool good = false;
    const auto jobs = scanned({R"({"jobs": [{"job_id": 1, "comment": ")", std::string(50'000, 'x'), R"("}]})"}, good);
    BOOST_TEST(good);
    BOOST_TEST(jobs.at(0).comment.size() == 8192U);
}

BOOST_AUTO_TEST_CASE(states_in_which_a_job_goes_on)
{
    for (const char* state : {"PENDING",
                              "RUNNING",
                              "SUSPENDED",
                              "CONFIGURING",
                              "COMPLETING",
                              "STOPPED",
                              "RESIZING",
                              "REQUEUED",
                              "REQUEUE_HOLD",
                              "REQUEUE_FED",
                              "SPECIAL_EXIT",
                              "SIGNALING",
                              "STAGE_OUT",
                              "REVOKED",
                              "RESV_DEL_HOLD",
                              "CANCELLED COMPLETING",
                              "COMPLETED COMPLETING",
                              "FAILED REQUEUED",
                              "NEVER_HEARD_OF",
                              ""})
        BOOST_TEST(!end_of(in_state(state), "7"), state);
}

BOOST_AUTO_TEST_CASE(states_in_which_a_job_has_ended)
{
    struct row
    {
        const char* state;
        std::uint32_t status;
        const char* reason;
        job_result::state ended;
        const char* code;
        bool retryable;
    };

    using enum job_result::state;
    for (const row& r : {
             row{"COMPLETED", 0, "None", success, "", true},
             row{"FAILED", 768, "NonZeroExitCode", failed, "exit_3", true},
             row{"FAILED", 255 * 256, "NonZeroExitCode", failed, "exit_255", true},
             row{"FAILED", 9, "JobLaunchFailure", failed, "signal_9", true},
             row{"FAILED", 15, "RaisedSignal:15", failed, "signal_15", true},
             row{"FAILED", 128 + 11, "RaisedSignal:11", failed, "signal_11", true},
             row{"FAILED", 4021, "JobLaunchFailure", failed, "launch_failed", true},
             row{"FAILED", 0, "JobLaunchFailure", failed, "launch_failed", true},
             row{"FAILED", 0, "None", failed, "failed", true},
             row{"FAILED LAUNCH_FAILED", 256, "None", failed, "exit_1", true},
             row{"TIMEOUT", 15, "TimeLimit", failed, "time_limit", true},
             row{"NODE_FAIL", 0, "NodeDown", failed, "node_fail", true},
             row{"PREEMPTED", 15, "None", failed, "preempted", true},
             row{"OUT_OF_MEMORY", 9, "OutOfMemory", failed, "oom_killed", true},
             row{"BOOT_FAIL", 0, "None", failed, "boot_fail", true},
             row{"DEADLINE", 0, "DeadLine", failed, "deadline", false},
             row{"CANCELLED", 15, "None", cancelled, "", true},
         }) {
        const auto end = end_of(in_state(r.state, r.status, r.reason), "7");
        BOOST_REQUIRE(end);
        BOOST_TEST((end->ended == r.ended), r.state);
        BOOST_TEST(end->code == r.code, r.state << " " << r.status);
        BOOST_TEST(end->retryable == r.retryable, r.state);
        BOOST_TEST(end->error.empty() == (r.ended == success), r.state);
    }
}

BOOST_AUTO_TEST_CASE(held_jobs_and_unknown_states_are_told_of)
{
    BOOST_TEST(notice_of(in_state("PENDING"), "7").empty());
    BOOST_TEST(notice_of(in_state("PENDING", 0, "Resources"), "7").empty());
    BOOST_TEST(notice_of(in_state("RUNNING"), "7").empty());
    BOOST_TEST(notice_of(in_state("PENDING", 0, "PartitionConfig"), "7").find("PartitionConfig") != std::string::npos);
    for (const char* reason : {"JobHeldUser", "JobHeldAdmin", "launch_failed_requeued_held"})
        BOOST_TEST(notice_of(in_state("PENDING", 0, reason), "7").find("scontrol release 7") != std::string::npos);
    BOOST_TEST(notice_of(in_state("SPECIAL_EXIT"), "7").find("released") != std::string::npos);
    BOOST_TEST(notice_of(in_state("NEVER_HEARD_OF"), "7").find("NEVER_HEARD_OF") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(keys_and_arrays_are_spelt_as_slurm_does)
{
    BOOST_TEST((parse_job_key("17") == job_key{17, no_element}));
    BOOST_TEST((parse_job_key("17_4") == job_key{17, 4}));
    for (const char* wrong : {"", "0", "x", "17_", "_4", "17_x", "17.0", "-1", "17_4294967295"})
        BOOST_TEST(!parse_job_key(wrong), wrong);
    BOOST_TEST(to_text({17, 4}) == "17_4");
    BOOST_TEST(array_text({item_index(3), item_index(7), item_index(9), item_index(10), item_index(11)}) == "3,7,9-11");
    BOOST_TEST(array_text({item_index(0)}) == "0");
}

BOOST_AUTO_TEST_CASE(elements_of_an_array_are_found_in_its_text)
{
    for (const std::uint32_t n : {3U, 7U, 9U, 10U, 12U})
        BOOST_TEST((holds("3,7,9-12%4", n) == membership::yes), n);
    for (const std::uint32_t n : {0U, 4U, 8U, 13U})
        BOOST_TEST((holds("3,7,9-12%4", n) == membership::no), n);
    BOOST_TEST((holds("0-20:5", 15) == membership::yes));
    BOOST_TEST((holds("0-20:5", 16) == membership::no));
    BOOST_TEST((holds("", 1) == membership::no));
    BOOST_TEST((holds("1,3,5,...", 3) == membership::yes));
    BOOST_TEST((holds("1,3,5,...", 40) == membership::unsure));
    BOOST_TEST((holds("1,3,5...", 40) == membership::unsure));
}

BOOST_AUTO_TEST_CASE(paths_are_put_together_as_slurm_does)
{
    listed_job j;
    j.id = 17;
    j.array_id = 12;
    j.element = 4;
    j.name = "n";
    j.user = "u";
    j.directory = "/w";
    j.batch_host = "node1.example";
    BOOST_TEST(expand_path("/tmp/%A_%a-%j-%x-%u-%N-%%.out", j) == "/tmp/12_4-17-n-u-node1-%.out");
    BOOST_TEST(expand_path("out.%5j", j) == "/w/out.00017");
    BOOST_TEST(expand_path("/a/%q%", j) == "/a/%q%");
    BOOST_TEST(expand_path("/a\\/%j", j) == "/a/%j");
    BOOST_TEST(output_path(j) == "/w/slurm-12_4.out");
    j.array_id = 0;
    BOOST_TEST(output_path(j) == "/w/slurm-17.out");
    BOOST_TEST(error_path(j).empty());
    j.standard_error = "e-%j";
    BOOST_TEST(error_path(j) == "/w/e-17");
}

BOOST_AUTO_TEST_CASE(controller_time_never_runs_ahead)
{
    using namespace std::chrono_literals;
    const steady_time start{};
    controller_clock c;
    BOOST_TEST(!c.at_least(start));
    c.heard_of(1'000, start + 10s);
    BOOST_TEST(*c.at_least(start + 10s) == 998);
    BOOST_TEST(*c.at_least(start + 20s) == 1'007);
    // An event of long ago says nothing new; a later one does.
    c.heard_of(1'001, start + 20s);
    BOOST_TEST(*c.at_least(start + 20s) == 1'007);
    c.heard_of(1'012, start + 21s);
    BOOST_TEST(*c.at_least(start + 21s) == 1'010);
    c.heard_of(0, start + 22s);
    BOOST_TEST(*c.at_least(start + 21s) == 1'010);
}

// Of these the end is that of the time limit, or the time from which a job that was queued again may run.
BOOST_AUTO_TEST_CASE(times_that_lie_ahead_are_not_taken_for_past_ones)
{
    for (const char* state :
         {"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "REQUEUED"}) {
        bool good = false;
        const auto jobs = scanned({fmt::format(R"({{"jobs": [{{"job_id": 1, "job_state": "{}", "end_time": 9000,
            "start_time": 9000, "accrue_time": 9000, "eligible_time": 9000, "submit_time": 5, "deadline": 9000}}]}})",
                                               state)},
                                  good);
        BOOST_TEST(good);
        BOOST_TEST(jobs.at(0).stamp == 5, state);
    }
}

BOOST_AUTO_TEST_SUITE_END()
