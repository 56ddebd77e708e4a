#pragma once
// What one simulation is made of: services, DAGs, faults, and when the engine dies.

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::sim {

/// A remote system that runs jobs.
struct service_plan
{
    std::string name;
    bool finds = true;         ///< can be asked for a job by its token
    bool deduplicates = false; ///< makes one job of two submissions with the same token
    bool batch = false;        ///< is asked about many jobs at once
    duration shortest_job{1'000};
    duration longest_job{60'000};
    duration longest_queue{1'000};
    duration longest_cancel{5'000};
    double failing_jobs = 0; ///< share of jobs that fail
};

/// How likely each thing is to go wrong with one exchange, in 0…1.
struct fault_rates
{
    double not_sent = 0;      ///< the connection is refused
    double lost_request = 0;  ///< sent, never arrives
    double lost_response = 0; ///< arrives and has its effect, the answer does not come back
    double late = 0;          ///< the connection is lost, and the request takes effect after that
    double hang = 0;          ///< has its effect and is never answered
    double slow = 0;          ///< takes longer than the client is willing to wait, perhaps
    double throttle = 0;      ///< 429
    double server_error = 0;  ///< 500 or 503, without effect
    double gateway_error = 0; ///< 502 or 504, with or without effect
    double garbage = 0;       ///< has its effect; the answer is cut off or no JSON
    double duplicate = 0;     ///< is delivered twice
    double stale = 0;         ///< answers with the state of a while ago
    double unknown_id = 0;    ///< denies a job that it accepted a moment ago, once
    double forget = 0;        ///< deletes a job behind its client's back
};

enum class weather : std::uint8_t
{
    throttling,         ///< 429 with Retry-After
    throttling_rudely,  ///< 429 without
    failing,            ///< 5xx
    unreachable,        ///< no connection
    silent,             ///< requests have their effect, and no answer comes
    losing_connections, ///< requests arrive or not, and no answer comes
};

/// A time in which a service does little but one thing.
struct storm
{
    std::size_t service = 0;
    weather kind = weather::throttling;
    duration from{0};
    duration to{0};
};

/// A task of a DAG, as the checker and the world know it: read by them instead of what the engine made of the file.
struct task_plan
{
    std::string name;
    std::vector<std::size_t> parents; ///< positions in `dag_plan::tasks`
    std::string trigger_rule = "all_success";
    std::optional<std::size_t> service; ///< of an `http_job`
    bool allow_failure = false;
};

struct dag_plan
{
    std::string name;
    std::string source; ///< JSON, as a user would write it
    std::vector<task_plan> tasks;
};

/// Somebody wants what has ended to run once more.
struct retry_plan
{
    duration at{0};
    std::optional<std::size_t> task; ///< one of them, and what is behind it; nothing = what did not end well
};

/// A run that somebody wants.
struct run_plan
{
    dag_plan dag;
    duration starts{0};
    std::optional<duration> cancelled; ///< when somebody asks to cancel it, engine or no engine
    std::optional<std::pair<std::size_t, duration>> task_cancelled; ///< the same for one of its tasks
    std::optional<std::pair<duration, duration>> paused;            ///< from when until when
    std::vector<retry_plan> retries;
    int retries_after_end = 0; ///< while it has not ended well
};

/// When the engine stops and how.
struct crash_plan
{
    double at_handler = 0; ///< probability between any two handlers
    double at_commit = 0;  ///< probability just before a commit, and just after it
    double gracefully = 0; ///< share of the stops that are a SIGTERM instead
    int most = 0;
    duration longest_pause{60'000};
};

/// Things that go wrong with the machine that the engine is on.
struct machine_plan
{
    duration longest_commit{20};
    double slow_commit = 0;     ///< probability that a commit takes up to ten seconds
    double full_disk = 0;       ///< probability that a commit fails for a while
    double stall = 0;           ///< probability that the process stands still between two handlers
    double clock_jump = 0;      ///< probability a minute that the wall clock jumps
    duration farthest_jump{0};  ///< either way
    duration request_timeout{}; ///< of the HTTP jobs
};

struct scenario
{
    std::uint64_t seed = 0;
    std::vector<service_plan> services;
    std::vector<run_plan> runs;
    fault_rates faults;
    std::vector<storm> storms;
    crash_plan crashes;
    machine_plan machine;
    duration calm{0};                    ///< from then on nothing goes wrong any more
    duration ends_within{0};             ///< after `calm`, every run must have ended in that time
    bool ends_the_same = false;          ///< only crashes go wrong, and the DAG's end depends on no timing: compare
    std::vector<std::uint64_t> crash_at; ///< actions at which the engine dies, counted over its whole life
};

/// What a seed stands for.
[[nodiscard]] scenario make_scenario(std::uint64_t seed);

/// For people. @param whole with the DAGs in full
[[nodiscard]] std::string describe(const scenario& s, bool whole = false);

} // namespace potoo::sim
