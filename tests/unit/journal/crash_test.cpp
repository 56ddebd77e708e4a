/// What was durable is there after a kill.

#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/writer.hpp"

#include "samples.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdint>
#include <sys/wait.h>
#include <unistd.h>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

/// Appends for ever, and tells through the pipe what is durable.
[[noreturn]] void append_until_killed(const state_layout& layout, int report)
{
    const auto held = state_lock::acquire(layout);
    const auto store = open_sqlite_store(layout);
    const auto tell = [report](position p) {
        if (::write(report, &p, sizeof p) != sizeof p)
            ::_exit(2);
    };
    writer w(*store, {.durable = tell, .failed = [](const store_error&) { ::_exit(3); }, .recovered = {}});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    for (std::int64_t i = 2;; ++i) {
        w.append(ended(0, 0, 1, recorded_state::success, i));
        while (w.over_limit())
            ::usleep(100);
    }
}

/// Lets a child write until it has reported so many times, and kills it. @return the last position reported
position kill_after(const state_layout& layout, int reports)
{
    int pipe[2];
    BOOST_REQUIRE(::pipe(pipe) == 0);
    const auto child = ::fork();
    if (child == 0) {
        ::close(pipe[0]);
        append_until_killed(layout, pipe[1]);
    }
    ::close(pipe[1]);
    position last = 0;
    position told = 0;
    for (int i = 0; ::read(pipe[0], &told, sizeof told) == sizeof told; ++i) {
        last = told;
        if (i == reports)
            ::kill(child, SIGKILL);
    }
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_REQUIRE(WIFSIGNALED(status));
    return last;
}

void check_kept(reader& r, position reported)
{
    const auto records = records_of(r, run_number(1));
    BOOST_TEST(records.size() >= reported);
    for (std::size_t i = 1; i < records.size(); ++i)
        BOOST_REQUIRE((records[i].at == instant(static_cast<std::int64_t>(i) + 1)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(durable_records_survive_a_kill)
{
    for (const int reports : {0, 1, 3, 7, 20, 50}) {
        const scratch_dir dir;
        const auto reported = kill_after(dir.layout(), reports);
        BOOST_REQUIRE(reported > 0U);
        check_kept(*open_sqlite_reader(dir.layout()), reported);
        const auto held = state_lock::acquire(dir.layout());
        const auto store = open_sqlite_store(dir.layout());
        check_kept(*store, reported);
        batch b;
        b.records.push_back(of_run(record_kind::run_ended, run_number(1), 0, recorded_state::success));
        store->append(b);
        BOOST_TEST(store->runs({.unfinished = true}).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
