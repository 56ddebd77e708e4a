#pragma once
// An engine of this process, with a state directory of its own, driven by a test.

#include "engine/graph/load.hpp"
#include "engine/host/local_host.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <potoo/asio.hpp>
#include <potoo/operator.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace potoo::host::test {

struct started_observer final : runtime::run_observer
{
    void run_started(const runtime::run_executor& e, bool) override { id = e.id(); }

    void attempt_started(task_index, item_index, attempt_number) override { ++attempts; }

    run_id id;
    int attempts = 0;
};

/// What a coroutine of the engine came to.
template <class T>
struct eventual
{
    std::optional<T> value;
    std::exception_ptr error;
    bool ended = false;
};

/// An engine of this process, on a directory that outlives it.
struct engine_at
{
    explicit engine_at(const scratch_state& s) : local(std::in_place, context, host_options{s.path(), false, {}, {}}) {}

    ~engine_at()
    {
        engine().detach_all();
        context.restart();
        context.poll();
        engine().close();
    }

    engine_host& engine() { return local->engine(); }

    template <class T>
    void start(eventual<T>& e, task<T> t)
    {
        async_run(local->loop(), "test", std::move(t), [&e](const std::exception_ptr& error, std::optional<T> value) {
            e.error = error;
            e.value = std::move(value);
            e.ended = true;
        });
    }

    template <class Condition>
    void run_until(Condition holds)
    {
        const auto work = boost::asio::make_work_guard(context);
        context.restart();
        while (!holds())
            context.run_one();
    }

    template <class T>
    T finish(task<T> t)
    {
        eventual<T> e;
        start(e, std::move(t));
        run_until([&] { return e.ended; });
        if (e.error)
            std::rethrow_exception(e.error);
        return std::move(*e.value);
    }

    /// A run under way.
    struct run
    {
        started_observer seen;
        eventual<run_outcome> outcome;
    };

    run& begin(const char* text)
    {
        const auto loaded = graph::load_dag(text, "a.yaml", operators());
        BOOST_REQUIRE(loaded.value);
        run_request wish{loaded.value};
        return begin(std::move(wish));
    }

    run& begin(run_request wish)
    {
        run& r = runs.emplace_back();
        start(r.outcome, engine().run(std::move(wish), r.seen));
        run_until([&] { return r.seen.attempts > 0 || r.outcome.ended; });
        return r;
    }

    run& resume(journal::run_row row)
    {
        run& r = runs.emplace_back();
        start(r.outcome, engine().resume(std::move(row), r.seen));
        return r;
    }

    run_outcome end_of(run& r)
    {
        run_until([&] { return r.outcome.ended; });
        if (r.outcome.error)
            std::rethrow_exception(r.outcome.error);
        return *r.outcome.value;
    }

    std::deque<run> runs;
    boost::asio::io_context context{1};
    std::optional<local_host> local;
};

} // namespace potoo::host::test
