#pragma once
// An engine with what a server puts around it, on a virtual clock and a journal in memory that survives it.

#include "engine/host/host.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/loop/virtual_loop.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/tasks/callback_service.hpp"
#include "engine/server/tasks/carried_task_runs.hpp"
#include "engine/server/tasks/task_service.hpp"
#include "tests/unit/operators/scripted_http.hpp"

#include <potoo/asio.hpp>
#include <potoo/http.hpp>
#include <potoo/process.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace potoo::server::test {

struct no_processes final : process_runner
{
    task<process_end> run(process_spec, output_sink) override { throw fatal("no processes in this test"); }
};

/// What a coroutine came to.
template <class T>
struct eventual
{
    std::optional<T> value;
    std::exception_ptr error;
    bool ended = false;

    T& get()
    {
        BOOST_TEST_REQUIRE(ended);
        if (error)
            std::rethrow_exception(error);
        return *value;
    }
};

inline const principal admin{"root", role::admin, "1"};
inline const principal ann{"ann", role::user, "2"};
inline const principal bob{"bob", role::user, "3"};
inline const principal looker{"looker", role::viewer, "4"};

class server_trial
{
  public:
    server_trial() { begin_life(); }

    ~server_trial() { end_life(); }

    server_trial(const server_trial&) = delete;
    server_trial& operator=(const server_trial&) = delete;

    /// As a start of the server after a crash: what was not written is lost.
    void crash_and_start()
    {
        crash();
        resume();
    }

    /// The engine that is there then carries nothing.
    void crash()
    {
        end_life();
        begin_life();
    }

    void resume()
    {
        start_service();
        for (auto& row : engine().unfinished())
            life_->carrier.resume(std::move(row));
        settle();
    }

    void start_service()
    {
        eventual<bool> started;
        run(started, begin_tasks());
        settle();
        started.get();
        async_run(loop, "tend", tasks().tend(), [](const std::exception_ptr&) {});
    }

    [[nodiscard]] host::engine_host& engine() { return *engine_; }

    [[nodiscard]] task_service& tasks() { return life_->tasks; }

    [[nodiscard]] callback_service& callbacks() { return life_->callbacks; }

    [[nodiscard]] run_carrier& carrier() { return life_->carrier; }

    template <class T>
    void run(eventual<T>& e, task<T> t)
    {
        async_run(loop, "test", std::move(t), [&e](const std::exception_ptr& error, std::optional<T> value) {
            e.error = error;
            e.value = std::move(value);
            e.ended = true;
        });
    }

    /// One commit of the journal, and what can be done after it. @return false when there is nothing to write
    bool commit()
    {
        const bool any = engine().write_journal();
        loop.run_present();
        return any;
    }

    /// All that can be done now.
    void settle()
    {
        loop.run_present();
        while (commit()) {}
    }

    /// All that is done in that time.
    void pass(duration time)
    {
        constexpr duration piece{500};
        for (duration gone{0}; gone < time; gone += piece) {
            settle();
            loop.run(std::min(piece, time - gone));
        }
        settle();
    }

    template <class T>
    T finish(task<T> t)
    {
        eventual<T> e;
        run(e, std::move(t));
        settle();
        return std::move(e.get());
    }

    submitted_task submit(const principal& who, task_request wish)
    {
        return finish(tasks().submit(who, std::move(wish)));
    }

    boost::asio::io_context context{1};
    virtual_loop loop{context};
    journal::memory_store store;
    task_rules rules;
    std::vector<std::string> said;
    potoo::test::scripted_http http;

  private:
    struct life
    {
        explicit life(server_trial& t)
            : carrier(*t.engine_, [](std::string_view) {}), runs(*t.engine_, carrier, t.store),
              tasks(t.loop, t.engine_->ledger(), runs, operators(), t.rules,
                    [&t](std::string_view line) { t.said.emplace_back(line); }),
              callbacks(*t.engine_, t.store)
        {
            carrier.listen([this](const run_notice& n) { tasks.hear(n); });
        }

        run_carrier carrier;
        carried_task_runs runs;
        task_service tasks;
        callback_service callbacks;
    };

    task<bool> begin_tasks()
    {
        co_await tasks().start();
        co_return true;
    }

    void begin_life()
    {
        engine_ = std::make_unique<host::engine_host>(host::host_ports{loop, store, store, http, processes_, entropy_,
                                                                       journal::writer_mode::manual,
                                                                       [this] { return entropy_(); }});
        life_ = std::make_unique<life>(*this);
    }

    /// The engine first: with it go the coroutines that use the rest.
    void end_life()
    {
        engine_.reset();
        life_.reset();
    }

    no_processes processes_;
    std::mt19937_64 entropy_{1};
    std::unique_ptr<host::engine_host> engine_;
    std::unique_ptr<life> life_;
};

} // namespace potoo::server::test
