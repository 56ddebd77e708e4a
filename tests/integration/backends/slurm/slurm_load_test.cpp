// Two thousand jobs of one run, and a controller that is killed and comes back in between.

#include "tests/integration/backends/slurm/slurm_side.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <sys/resource.h>

using namespace potoo;
using namespace potoo::test;

namespace {

BOOST_TEST_GLOBAL_FIXTURE(needs_slurm);

constexpr std::size_t job_count = 2'000;

double processor_seconds()
{
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

struct tally
{
    std::size_t jobs = 0;
    std::size_t completed = 0;
    std::set<std::string> comments;
};

tally count(slurm_side& side)
{
    tally t;
    for (const json::object& j : side.jobs()) {
        ++t.jobs;
        t.completed += j.at("job_state") == "COMPLETED" ? 1 : 0;
        t.comments.emplace(j.at("comment").as_string());
    }
    return t;
}

const char* setting(const char* name)
{
    const char* value = std::getenv(name);
    return value && *value ? value : nullptr;
}

} // namespace

BOOST_AUTO_TEST_CASE(slurm_two_thousand_jobs_end_once_each_though_the_controller_is_killed)
{
    const char* stop = setting("POTOO_TEST_SLURM_STOP_CONTROLLER");
    const char* start = setting("POTOO_TEST_SLURM_START_CONTROLLER");
    if (!stop || !start) {
        BOOST_TEST_MESSAGE("skipped: POTOO_TEST_SLURM_STOP_CONTROLLER and _START_CONTROLLER are not set");
        BOOST_TEST(true);
        return;
    }
    slurm_side side;
    // A job that was requeued by a killed controller waits for two minutes before it begins again.
    conformance::trial_engine engine(std::chrono::seconds(600));
    const double before = processor_seconds();
    engine.start(side.connection(side.url()) + fmt::format(R"(tasks:
  job:
    operator: slurm
    foreach: ${{{{ range({}) }}}}
    retry: {{limit: 3, delay: 1s, on: [lost]}}
    with:
      command: 'true'
      working_directory: {}
      output: /dev/null
      logs: false
)",
                                                           job_count, side.folder()),
                 {});
    // Killed while it is sent submissions, and again while jobs run and are waited for.
    std::size_t killed = 0;
    double side_time = 0;
    auto next_look = std::chrono::steady_clock::now();
    engine.run_until([&] {
        if (killed == 2 || std::chrono::steady_clock::now() < next_look)
            return killed == 2;
        const double began = processor_seconds();
        const tally t = count(side);
        if ((killed == 0 && t.jobs >= job_count / 4) || (killed == 1 && t.completed >= job_count / 2)) {
            ++killed;
            (void)output_of_command(stop);
            (void)output_of_command(fmt::format("{}\nsleep 1", start));
        }
        side_time += processor_seconds() - began;
        next_look = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        return killed == 2;
    });
    const auto end = engine.finish();
    const double used = processor_seconds() - before - side_time;
    BOOST_TEST((end == schedule::run_state::success), engine.logs().substr(0, 3000));
    const tally t = count(side);
    // What the controller had accepted but not yet written down when it was killed is lost, and launched anew.
    BOOST_TEST(t.completed == job_count);
    BOOST_TEST(t.jobs == job_count);
    BOOST_TEST(t.comments.size() == job_count);
    BOOST_TEST_MESSAGE(fmt::format("{} jobs: {:.2f} s of processor time", job_count, used));
}
