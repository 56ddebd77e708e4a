#include "engine/host/host.hpp"

#include "engine/graph/load.hpp"
#include "engine/graph/params.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "engine/process/local_process_runner.hpp"
#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/secret_resolver.hpp"
#include "engine/runtime/watchdog.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

namespace potoo::host {

using runtime::run_executor;

struct engine_host::parts final : runtime::commit_log::listener
{
    parts(boost::asio::io_context& context, const host_options& options)
        : loop(context), lock(take_lock(options)), store(open_store(options)),
          log(loop, *store, options.ephemeral ? journal::writer_mode::synchronous : journal::writer_mode::threaded),
          own_reader(open_reader(options)), reading(own_reader ? own_reader.get() : store.get()),
          http(loop, options.http), processes(loop), services{loop, http, processes, log, operators(), entropy, shared},
          dog(loop, [this](const std::string& name) { loop_is_blocked(name); })
    {
        log.set_listener(this);
    }

    ~parts() override
    {
        *self = nullptr;
        log.set_listener(nullptr);
        loop.abandon_executions();
    }

    static std::optional<journal::state_lock> take_lock(const host_options& options)
    {
        if (options.ephemeral)
            return std::nullopt;
        return journal::state_lock::acquire(journal::state_layout(options.state));
    }

    static std::unique_ptr<journal::store> open_store(const host_options& options)
    {
        if (options.ephemeral)
            return std::make_unique<journal::memory_store>();
        return journal::open_sqlite_store(journal::state_layout(options.state));
    }

    /// The store belongs to the writer's thread from when the log is there.
    static std::unique_ptr<journal::reader> open_reader(const host_options& options)
    {
        if (options.ephemeral)
            return nullptr;
        return journal::open_sqlite_reader(journal::state_layout(options.state));
    }

    static std::mt19937_64 seeded()
    {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }

    void durable(journal::position p) override
    {
        for (const running& r : runs)
            r.executor->durable(p);
    }

    void write_failed(const journal::store_error& why) override
    {
        if (why.passing()) {
            warn(std::string("the journal cannot be written, nothing new is started: ") + why.what());
            return;
        }
        // It will not heal: waiting for it would be waiting for ever.
        broken = why;
        for (const running& r : runs)
            r.executor->detach();
    }

    void write_recovered() override { warn("the journal can be written again"); }

    void loop_is_blocked(const std::string& name)
    {
        boost::asio::post(loop.executor(), [me = self, name] {
            if (*me)
                (*me)->warn(fmt::format(
                    "task `{}` blocked the loop for more than {} ms: use ctx.blocking() for calls that wait", name,
                    runtime::watchdog::limit.count()));
        });
    }

    void warn(const std::string& text)
    {
        for (const running& r : runs)
            r.observer->warning(text);
    }

    struct running
    {
        run_executor* executor;
        runtime::run_observer* observer;
    };

    /// For what the watchdog's thread has put on the io_context, which may outlive this: null by then.
    std::shared_ptr<parts*> self = std::make_shared<parts*>(this);
    real_loop loop;
    std::optional<journal::state_lock> lock;
    std::unique_ptr<journal::store> store;
    std::optional<journal::store_error> broken; ///< why the journal cannot be written any more
    runtime::commit_log log;
    std::unique_ptr<journal::reader> own_reader;
    journal::reader* reading;
    net::beast_http_client http;
    process::local_process_runner processes;
    runtime::shared_objects shared;
    std::mt19937_64 entropy = seeded();
    runtime::services services;
    std::vector<running> runs;
    runtime::watchdog dog;
};

engine_host::engine_host(boost::asio::io_context& context, const host_options& options)
    : parts_(std::make_unique<parts>(context, options))
{}

engine_host::~engine_host() = default;

potoo::loop& engine_host::loop() noexcept
{
    return parts_->loop;
}

namespace {

task<> wait_for(counter& ended)
{
    co_await ended.reached(1);
}

/// Takes a run off the list however its coroutine ends.
template <class Runs>
class listing
{
  public:
    listing(Runs& runs, run_executor& e, runtime::run_observer& o) : runs_(runs), executor_(&e)
    {
        runs_.push_back({&e, &o});
    }

    listing(const listing&) = delete;
    listing& operator=(const listing&) = delete;

    ~listing()
    {
        std::erase_if(runs_, [this](const auto& r) { return r.executor == executor_; });
    }

  private:
    Runs& runs_;
    run_executor* executor_;
};

} // namespace

task<run_outcome> engine_host::carry(run_executor& executor, counter& ended)
{
    cancel_reason reason = cancel_reason::none;
    try {
        co_await ended.reached(1);
    } catch (const cancelled& c) {
        reason = c.reason();
    }
    if (reason == cancel_reason::shutdown || reason == cancel_reason::lost_lease)
        executor.detach();
    else if (reason != cancel_reason::none)
        executor.cancel(reason == cancel_reason::deadline ? reason : cancel_reason::user);
    if (reason != cancel_reason::none)
        co_await shield(wait_for(ended), steady_time::max());
    if (parts_->broken)
        throw journal::store_error(*parts_->broken);
    run_outcome outcome;
    outcome.id = executor.id();
    outcome.state = executor.machine().state();
    outcome.detached = executor.detached();
    outcome.tasks = executor.machine().task_totals();
    outcome.elapsed = std::chrono::floor<duration>(executor.elapsed());
    co_return outcome;
}

task<run_outcome> engine_host::run(std::shared_ptr<const graph::dag> d, json::object params,
                                   runtime::run_observer& observer)
{
    runtime::secret_mask mask;
    runtime::run_plan plan;
    plan.secrets = co_await runtime::resolve_secrets(*d, parts_->processes, mask);
    plan.id = runtime::make_run_id(parts_->entropy);
    plan.dag = std::move(d);
    plan.params = std::move(params);
    plan.created = parts_->loop.wall_now();
    counter ended;
    run_executor executor(parts_->services, std::move(plan), mask, observer);
    listing listed(parts_->runs, executor, observer);
    executor.start([&ended] { ended.increment(); });
    auto outcome = co_await carry(executor, ended);
    co_return outcome;
}

task<run_outcome> engine_host::resume(journal::run_row row, runtime::run_observer& observer)
{
    const journal::dag_document document = parts_->reading->dag_of(row.number);
    graph::load_result loaded = graph::load_dag(document.source, document.source_name, operators());
    if (!loaded.value)
        throw std::runtime_error(
            fmt::format("run {} cannot go on: its DAG does not load any more (is a plugin missing?)\n{}",
                        row.id.value(), graph::format_diagnostics(loaded)));
    runtime::secret_mask mask;
    runtime::run_plan plan;
    plan.secrets = co_await runtime::resolve_secrets(*loaded.value, parts_->processes, mask);
    plan.id = row.id;
    plan.dag = loaded.value;
    plan.params = runtime::parse_recorded(row.params).as_object();
    plan.created = row.created;
    std::vector<journal::record> records;
    parts_->reading->records(row.number, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        records.push_back(r);
        return true;
    });
    counter ended;
    run_executor executor(parts_->services, std::move(plan), mask, observer);
    listing listed(parts_->runs, executor, observer);
    executor.recover(row.number, records, [&ended] { ended.increment(); });
    records = {};
    auto outcome = co_await carry(executor, ended);
    co_return outcome;
}

std::vector<journal::run_row> engine_host::unfinished() const
{
    journal::run_filter filter;
    filter.unfinished = true;
    return parts_->reading->runs(filter);
}

std::size_t engine_host::cancel(const std::optional<run_id>& id, cancel_reason reason)
{
    std::size_t asked = 0;
    for (const parts::running& r : parts_->runs) {
        if (id && r.executor->id() != *id)
            continue;
        r.executor->cancel(reason);
        ++asked;
    }
    return asked;
}

void engine_host::detach_all()
{
    for (const parts::running& r : parts_->runs)
        r.executor->detach();
}

std::size_t engine_host::close()
{
    return parts_->log.stop();
}

} // namespace potoo::host
