#include "engine/host/local_host.hpp"

#include "engine/host/control_request.hpp"
#include "engine/host/control_server.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "engine/process/local_process_runner.hpp"
#include "engine/runtime/watchdog.hpp"

#include <potoo/asio.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <optional>
#include <random>
#include <string>

namespace potoo::host {
namespace {

std::optional<journal::state_lock> take_lock(const host_options& options)
{
    if (options.ephemeral)
        return std::nullopt;
    return journal::state_lock::acquire(journal::state_layout(options.state));
}

std::unique_ptr<journal::store> open_store(const host_options& options)
{
    if (options.ephemeral)
        return std::make_unique<journal::memory_store>();
    return journal::open_sqlite_store(journal::state_layout(options.state));
}

/// The store belongs to the writer's thread from when the engine is there.
std::unique_ptr<journal::reader> open_reader(const host_options& options)
{
    if (options.ephemeral)
        return nullptr;
    return journal::open_sqlite_reader(journal::state_layout(options.state));
}

std::function<std::unique_ptr<journal::reader>()> reader_opener(const host_options& options)
{
    if (options.ephemeral)
        return {};
    return [state = options.state] { return journal::open_sqlite_reader(journal::state_layout(state)); };
}

/// One request, with work for the io_context: while only the journal's thread is at it, that has nothing to do.
task<std::string> answered(engine_host& engine, std::string line)
{
    const auto running = boost::asio::make_work_guard(engine.loop().executor());
    auto answer = co_await carry_out_request(engine, std::move(line));
    co_return answer;
}

std::mt19937_64 seeded()
{
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
}

} // namespace

struct local_host::parts
{
    parts(boost::asio::io_context& context, const host_options& options)
        : loop(context), lock(take_lock(options)), store(open_store(options)), own_reader(open_reader(options)),
          http(loop, options.http), processes(loop),
          engine({loop, *store, own_reader ? *own_reader : *store, http, processes, entropy,
                  options.ephemeral ? journal::writer_mode::discarding : journal::writer_mode::threaded,
                  number_of_the_system, memory_of_the_process(), reader_opener(options)}),
          dog(loop, [this](const std::string& name) { loop_is_blocked(name); })
    {
        if (options.ephemeral) {
            configure(options.config, outside_of(options.config));
            return;
        }
        const journal::state_layout layout(options.state);
        const state_config config = laid_over(read_state_config(layout), options.config);
        configure(config, outside_of(config));
        control.emplace(layout, [me = self, executor = loop.executor()](std::string line, control_server::reply reply) {
            boost::asio::post(executor, [me, line = std::move(line), reply = std::move(reply)]() mutable {
                if (*me)
                    (*me)->answer(std::move(line), std::move(reply));
            });
        });
    }

    ~parts() { *self = nullptr; }

    void configure(const state_config& config, std::shared_ptr<runtime::outside_source> outside)
    {
        engine.keep(config.keep);
        engine.limit_starts(config.limits);
        engine.share(std::move(outside));
    }

    [[nodiscard]] std::shared_ptr<runtime::outside_source> outside_of(const state_config& config)
    {
        return std::make_shared<runtime::outside_source>(config.outside, processes);
    }

    void answer(std::string line, control_server::reply reply)
    {
        async_run(loop, "control", answered(engine, std::move(line)),
                  [reply = std::move(reply)](const std::exception_ptr& error, const std::optional<std::string>& text) {
                      if (!error)
                          reply(*text);
                  });
    }

    void loop_is_blocked(const std::string& name)
    {
        boost::asio::post(loop.executor(), [me = self, name] {
            if (*me)
                (*me)->engine.warn(fmt::format(
                    "task `{}` blocked the loop for more than {} ms: use ctx.blocking() for calls that wait", name,
                    runtime::watchdog::limit.count()));
        });
    }

    /// For what the watchdog's thread has put on the io_context, which may outlive this: null by then.
    std::shared_ptr<parts*> self = std::make_shared<parts*>(this);
    real_loop loop;
    std::optional<journal::state_lock> lock;
    std::unique_ptr<journal::store> store;
    std::unique_ptr<journal::reader> own_reader;
    net::beast_http_client http;
    process::local_process_runner processes;
    std::mt19937_64 entropy = seeded();
    engine_host engine;
    runtime::watchdog dog;
    std::optional<control_server> control;
};

local_host::local_host(boost::asio::io_context& context, const host_options& options)
    : parts_(std::make_unique<parts>(context, options))
{}

local_host::~local_host() = default;

engine_host& local_host::engine() noexcept
{
    return parts_->engine;
}

potoo::loop& local_host::loop() noexcept
{
    return parts_->loop;
}

task<prepared_config> local_host::prepare(state_config config)
{
    prepared_config prepared{std::move(config), nullptr};
    prepared.outside = parts_->outside_of(prepared.config);
    co_await prepared.outside->values();
    co_return prepared;
}

void local_host::configure(prepared_config prepared)
{
    parts_->configure(prepared.config, std::move(prepared.outside));
}

process_runner& local_host::processes() noexcept
{
    return parts_->processes;
}

} // namespace potoo::host
