#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fstream>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace potoo::cli::test;

namespace {

const char* const process_dag = "tasks: {p: {operator: shell, with: {command: \"echo $$ > pid; exec sleep 1000\"}}}\n";

/// Another process, to be waited for by whoever is not its parent.
class process_watch
{
  public:
    explicit process_watch(pid_t pid) : pid_(pid), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

    process_watch(const process_watch&) = delete;
    process_watch& operator=(const process_watch&) = delete;

    ~process_watch()
    {
        if (descriptor_ >= 0)
            ::close(descriptor_);
    }

    /// @param timeout in milliseconds, -1 = none
    bool ended_within(int timeout) const
    {
        if (descriptor_ < 0)
            return true;
        pollfd p{descriptor_, POLLIN, 0};
        return ::poll(&p, 1, timeout) > 0;
    }

    void wait() const { ended_within(-1); }

    void send_until_it_ends(int signal) const
    {
        do
            ::kill(pid_, signal);
        while (!ended_within(20));
    }

  private:
    pid_t pid_;
    int descriptor_;
};

/// The process id that a task writes into the FIFO `pid`; waits for it.
pid_t written_pid(const workspace& w)
{
    std::ifstream in(w.path() / "pid");
    pid_t pid = 0;
    in >> pid;
    return pid;
}

void make_pid_fifo(const workspace& w)
{
    BOOST_REQUIRE(::mkfifo((w.path() / "pid").c_str(), 0600) == 0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(stopped_run_is_resumed_and_does_nothing_twice)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    p.signal(SIGINT);
    const result stopped = p.finish();
    BOOST_TEST(stopped.code == 3);
    const std::string id = latest_run(w);
    BOOST_TEST(holds(stopped.err, "Resume with: potoo resume " + id), stopped.err);
    w.write("go", "");
    const result resumed = run_potoo(w, {"resume", id.substr(0, 6)});
    BOOST_TEST(resumed.code == 0, resumed.err);
    BOOST_TEST(w.read("done") == "once\nafter\n");
}

BOOST_AUTO_TEST_CASE(resume_takes_up_every_unfinished_run)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    for (int i = 0; i < 2; ++i) {
        program p(w, {"run", "a.yaml", "--only"});
        BOOST_REQUIRE(p.wait_for("wait: running"));
        p.signal(SIGTERM);
        BOOST_TEST(p.finish().code == 3);
    }
    w.write("go", "");
    const result resumed = run_potoo(w, {"resume", "--json"});
    BOOST_TEST(resumed.code == 0, resumed.err);
    std::size_t ends = 0;
    for (std::size_t at = 0; (at = resumed.out.find("run_finished", at)) != std::string::npos; ++at)
        ++ends;
    BOOST_TEST(ends == 2u);
}

BOOST_AUTO_TEST_CASE(ambiguous_run_is_refused_with_the_candidates)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    // Ids begin with one of 26 letters.
    for (int i = 0; i < 27; ++i)
        BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    std::string letters;
    std::string twice;
    const auto runs = boost::json::parse(run_potoo(w, {"ls", "--limit", "0", "-o", "json"}).out);
    for (const auto& r : runs.as_array()) {
        const char first = r.at("run").as_string().front();
        if (letters.find(first) != std::string::npos)
            twice = first;
        letters += first;
    }
    const result r = run_potoo(w, {"status", twice});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "several runs begin with " + twice), r.err);
}

BOOST_AUTO_TEST_CASE(signals_that_the_parent_ignored_work)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    start_options ignoring;
    ignoring.ignored_signals = {SIGINT, SIGTERM, SIGHUP};
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
        program p(w, {"run", "a.yaml", "--ephemeral"}, ignoring);
        BOOST_REQUIRE(p.wait_for("wait: running"));
        p.signal(s);
        BOOST_TEST(p.finish().code == 3);
    }
}

BOOST_AUTO_TEST_CASE(stopping_kills_local_processes)
{
    const workspace w;
    w.write("a.yaml", process_dag);
    make_pid_fifo(w);
    program p(w, {"run", "a.yaml"});
    const process_watch child(written_pid(w));
    p.signal(SIGINT);
    BOOST_TEST(p.finish().code == 3);
    child.wait();
}

BOOST_AUTO_TEST_CASE(second_signal_ends_at_once_and_no_process_is_left)
{
    const workspace w;
    w.write("a.yaml",
            "tasks: {p: {operator: shell, with: {command: \"trap '' TERM; echo $$ > pid; while :; do sleep 1; done\", "
            "grace: 1000s}}}\n");
    make_pid_fifo(w);
    program p(w, {"run", "a.yaml", "--on-stop=cancel"});
    const process_watch child(written_pid(w));
    p.signal(SIGINT);
    BOOST_REQUIRE(p.wait_for("once more ends at once"));
    // Signals of one moment count as one, so it is sent until it is another moment.
    const process_watch engine(p.pid());
    engine.send_until_it_ends(SIGINT);
    const result r = p.finish();
    BOOST_TEST(r.code == 3);
    child.wait();
}

BOOST_AUTO_TEST_CASE(on_stop_cancel_ends_the_run)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml", "--on-stop=cancel", "--json"});
    BOOST_REQUIRE(p.wait_for("\"attempt_started\",\"run\":"));
    BOOST_REQUIRE(p.wait_for("\"task\":\"wait\",\"attempt\":1"));
    p.signal(SIGINT);
    const result r = p.finish();
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.out, "\"state\":\"cancelled\",\"tasks\":{\"success\":1,\"cancelled\":2}"), r.out);
    BOOST_TEST(holds(run_potoo(w, {"resume"}).err, "Nothing to resume"));
}

BOOST_AUTO_TEST_CASE(reader_of_events_that_goes_away_stops_the_run)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    start_options closed;
    closed.output_closed = true;
    const result r = run_potoo(w, {"run", "a.yaml", "--json"}, closed);
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.err, "Resume with"), r.err);
}

BOOST_AUTO_TEST_CASE(second_engine_on_one_state_is_refused)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const result second = run_potoo(w, {"run", "a.yaml"});
    BOOST_TEST(second.code == 4);
    BOOST_TEST(holds(second.err, std::to_string(p.pid())), second.err);
    // Reading goes on meanwhile.
    BOOST_TEST(run_potoo(w, {"status"}).code == 0);
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
