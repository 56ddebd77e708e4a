#include "engine/process/local_process_runner.hpp"

#include "engine/process/running_process.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>
#include <potoo/wait.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <string>
#include <utility>

namespace potoo::process {

namespace {

/// How long output is waited for after the leader's end.
constexpr std::chrono::seconds linger{1};

constexpr duration longest_grace = std::chrono::hours(24) * 365;

// The process and the sink of all that follows live in the frame of `run_process`, which awaits them.

task<> leader_end(running_process& p)
{
    bool ended = p.has_ended();
    while (!ended) {
        auto ready = co_await p.end().async_wait(stream::wait_read, use_task);
        if (!ready)
            throw failure("cannot watch a process: " + ready.error().message());
        ended = p.has_ended();
    }
}

task<> read_output(running_process& p, output_stream s, const output_sink& sink)
{
    while (p.output(s).is_open()) {
        const read_outcome outcome = p.read(s, sink);
        if (outcome == read_outcome::delivered)
            co_await yield_now();
        else if (outcome == read_outcome::nothing_yet) {
            auto ready = co_await p.output(s).async_wait(stream::wait_read, use_task);
            if (!ready)
                throw failure("cannot wait for the output of a process: " + ready.error().message());
        }
    }
}

task<> feed_input(running_process& p)
{
    while (!p.write_input()) {
        auto ready = co_await p.input().async_wait(stream::wait_write, use_task);
        if (!ready)
            throw failure("cannot wait to write to a process: " + ready.error().message());
    }
}

task<> transfer(running_process& p, const output_sink& sink)
{
    co_await all(read_output(p, output_stream::standard_output, sink),
                 read_output(p, output_stream::standard_error, sink), feed_input(p));
}

task<> end_of_patience(running_process& p)
{
    co_await leader_end(p);
    co_await sleep_for(linger);
}

task<> attend(running_process& p, const output_sink& sink)
{
    co_await any(transfer(p, sink), end_of_patience(p));
    co_await leader_end(p);
    p.signal_group(SIGKILL);
    p.drain(sink);
}

task<> leader_and_output_end(running_process& p, const output_sink& sink)
{
    co_await all(leader_end(p), read_output(p, output_stream::standard_output, sink),
                 read_output(p, output_stream::standard_error, sink));
}

task<> stop(running_process& p, const output_sink& sink, steady_time end_of_grace)
{
    p.close_input();
    p.signal_group(SIGTERM);
    // A process that was stopped would not hear it.
    p.signal_group(SIGCONT);
    try {
        co_await with_deadline(leader_and_output_end(p, sink), end_of_grace);
    } catch (const cancelled&) {
        // The grace is over.
    }
    p.signal_group(SIGKILL);
    co_await leader_end(p);
    p.drain(sink);
}

/// After the sink, or a descriptor, has failed: there is no way to go on, and nowhere to put what the process says.
task<> kill_now(running_process& p)
{
    p.close_input();
    p.signal_group(SIGKILL);
    co_await leader_end(p);
}

task<process_end> run_process(std::shared_ptr<process_host> host, potoo::loop& l, process_spec spec, output_sink sink)
{
    const duration grace = std::clamp(spec.grace, duration::zero(), longest_grace);
    running_process p(std::move(host), l, std::move(spec));
    std::exception_ptr interruption;
    bool told_to_stop = false;
    try {
        co_await attend(p, sink);
    } catch (const cancelled&) {
        interruption = std::current_exception();
        told_to_stop = true;
    } catch (...) {
        interruption = std::current_exception();
    }
    if (told_to_stop)
        co_await shield(stop(p, sink, l.now() + grace), steady_time::max());
    else if (interruption)
        co_await shield(kill_now(p), steady_time::max());
    const process_end end = p.reap();
    if (interruption)
        std::rethrow_exception(interruption);
    co_return end;
}

void let_children_be_waited_for() noexcept
{
    struct sigaction action{};
    if (::sigaction(SIGCHLD, nullptr, &action) != 0)
        return;
    const bool discards = action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0;
    if (!discards)
        return;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, nullptr);
}

} // namespace

local_process_runner::local_process_runner(potoo::loop& l) : loop_(l), host_(std::make_shared<process_host>())
{
    let_children_be_waited_for();
}

local_process_runner::~local_process_runner() = default;

task<process_end> local_process_runner::run(process_spec spec, output_sink sink)
{
    return run_process(host_, loop_, std::move(spec), std::move(sink));
}

} // namespace potoo::process
