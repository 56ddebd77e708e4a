#include "tests/integration/conformance/trial_engine.hpp"

#include "engine/graph/load.hpp"
#include "engine/graph/params.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "engine/process/local_process_runner.hpp"

#include <potoo/asio.hpp>
#include <potoo/operator.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <exception>
#include <random>
#include <stdexcept>

namespace potoo::conformance {
namespace {

constexpr std::chrono::milliseconds turn{5};
constexpr journal::run_number the_run{1};

struct deferral_watch final : runtime::run_observer
{
    void attempt_deferred(task_index, item_index, bool now) override { deferred = now; }

    bool deferred = false;
};

} // namespace

/// From one start of the engine to its end.
struct trial_engine::life
{
    explicit life(journal::memory_store& kept) : gate(kept) {}

    void carry(task<host::run_outcome> t)
    {
        ++open;
        async_run(loop, "conformance", std::move(t), [this](std::exception_ptr e, std::optional<host::run_outcome> o) {
            --open;
            if (e)
                error = e;
            else
                outcome = std::move(o);
        });
    }

    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    real_loop loop{context};
    gated_journal gate;
    net::beast_http_client http{loop, {}};
    process::local_process_runner processes{loop};
    std::mt19937_64 entropy{std::random_device{}()};
    deferral_watch watch;
    host::engine_host engine{{loop, gate, gate, http, processes, entropy, journal::writer_mode::threaded}};
    int open = 0;
    std::exception_ptr error;
    std::optional<host::run_outcome> outcome;
};

trial_engine::trial_engine(std::chrono::seconds patience) : patience_(patience), life_(std::make_unique<life>(kept_)) {}

trial_engine::~trial_engine()
{
    crash();
}

void trial_engine::start(const std::string& yaml, const json::object& params)
{
    graph::load_result loaded = graph::load_dag(yaml, "conformance.yaml", operators());
    if (!loaded.value)
        throw std::invalid_argument(graph::format_diagnostics(loaded));
    const graph::params_result complete = graph::check_params(*loaded.value, params);
    if (!complete.problems.empty())
        throw std::invalid_argument(complete.problems.front().message);
    life_->carry(life_->engine.run(loaded.value, complete.values, life_->watch));
}

void trial_engine::stop_at(journal::record_kind kind, gate_side side)
{
    life_->gate.close_at(kind, side);
}

void trial_engine::drive(const std::function<bool()>& until)
{
    const auto end = std::chrono::steady_clock::now() + patience_;
    while (!until()) {
        life_->context.run_one_for(turn);
        if (life_->error)
            std::rethrow_exception(life_->error);
        if (std::chrono::steady_clock::now() > end)
            throw overdue("it did not happen in time; the task's log so far:\n" + logs());
    }
}

void trial_engine::run_until_stopped()
{
    drive([this] {
        if (life_->open == 0)
            throw std::logic_error("the run has ended before the engine came to where it was to be stopped");
        return life_->gate.reached();
    });
}

void trial_engine::run_until(const std::function<bool()>& holds)
{
    drive(holds);
}

void trial_engine::crash()
{
    if (!life_)
        return;
    life_->gate.crash();
    life_.reset();
}

void trial_engine::come_up()
{
    life_ = std::make_unique<life>(kept_);
    std::vector<journal::run_row> rows = life_->engine.unfinished();
    for (journal::run_row& row : life_->engine.unreconciled())
        rows.push_back(std::move(row));
    if (rows.empty())
        throw std::logic_error("there is nothing to go on with");
    for (journal::run_row& row : rows)
        life_->carry(life_->engine.resume(std::move(row), life_->watch));
}

void trial_engine::cancel()
{
    life_->engine.cancel(std::nullopt, cancel_reason::user);
}

void trial_engine::cancel_while_down()
{
    journal::batch b;
    auto& r = b.records.emplace_back();
    r.run = the_run;
    r.kind = journal::record_kind::cancel_requested;
    r.name = to_string(cancel_reason::user);
    kept_.append(b);
}

schedule::run_state trial_engine::finish()
{
    drive([this] { return life_->open == 0; });
    return life_->outcome.value().state;
}

bool trial_engine::deferred() const noexcept
{
    return life_->watch.deferred;
}

json::value trial_engine::output()
{
    return json::parse(life_->gate.tasks(the_run).front().output);
}

json::object trial_engine::error()
{
    const std::string text = life_->gate.tasks(the_run).front().error;
    return text.empty() ? json::object() : json::parse(text).as_object();
}

std::string trial_engine::logs()
{
    std::string all;
    if (kept_.next_run() == the_run)
        return all;
    journal::log_filter filter;
    filter.run = the_run;
    life_->gate.logs(filter, [&](std::uint64_t, const journal::log_chunk& c) {
        all += c.text;
        return true;
    });
    return all;
}

std::size_t trial_engine::unconfirmed()
{
    return life_->gate.unconfirmed(the_run).size();
}

bool trial_engine::has_written(std::string_view text)
{
    bool found = logs().find(text) != std::string::npos;
    life_->gate.records(the_run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        found = found || r.name.find(text) != std::string::npos || r.data.find(text) != std::string::npos;
        return true;
    });
    return found;
}

std::size_t trial_engine::recorded(journal::record_kind kind)
{
    std::size_t n = 0;
    life_->gate.records(the_run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        n += r.kind == kind;
        return true;
    });
    return n;
}

} // namespace potoo::conformance
