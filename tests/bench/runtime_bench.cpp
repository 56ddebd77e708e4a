// The scheduler and the runtime alone: what a task costs that does nothing, and what an attempt takes while it waits.
// Usage: runtime_bench noop layers|items COUNT none|memory|sqlite [STATE_DIR]
//        runtime_bench waiting COUNT
//
// Each is a process of its own, so that memory figures start from nothing.

#include "figure.hpp"
#include "process_usage.hpp"

#include "engine/graph/load.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/runtime/pool_book.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/process.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <malloc.h>
#include <memory>
#include <optional>
#include <random>
#include <string>

using namespace potoo;

namespace {

struct no_http final : http_client
{
    task<boost::system::result<http_response>> send(http_request) override { throw fatal("no HTTP here"); }

    std::size_t connections_opened() const noexcept override { return 0; }
};

struct no_processes final : process_runner
{
    task<process_end> run(process_spec, output_sink) override { throw fatal("no processes here"); }
};

task<json::value> do_nothing(context&)
{
    co_return nullptr;
}

task<json::value> wait_deferred(context& ctx)
{
    const context::deferral waits(ctx);
    co_await sleep_for(std::chrono::hours(1));
    co_return nullptr;
}

std::string layers(std::size_t count)
{
    const std::size_t width = std::min<std::size_t>(count, 1'000);
    std::string text = R"({"name": "layers", "tasks": {)";
    for (std::size_t n = 0; n < count; ++n) {
        const std::size_t l = n / width;
        const std::size_t i = n % width;
        text += (n > 0 ? ",\"t" : "\"t") + std::to_string(l) + "_" + std::to_string(i) + R"(": {"operator": "noop")";
        if (l > 0) {
            const std::string above = "t" + std::to_string(l - 1) + "_";
            text += R"(, "depends_on": [")" + above + std::to_string(i) + "\", \"" + above +
                    std::to_string((i + 1) % width) + "\"]";
        }
        text += "}";
    }
    return text + "}}";
}

std::string items(std::size_t count, const std::string& operator_name)
{
    return R"({"name": "items", "tasks": {"all": {"operator": ")" + operator_name + R"(", "foreach": "${{ range()" +
           std::to_string(count) + R"() }}"}}})";
}

/// A run on the machine's clocks, with nothing around it.
class lone_run
{
  public:
    lone_run(journal::store& store, journal::writer_mode mode) : log_(loop_, store, mode)
    {
        operators_.add("noop", do_nothing, {.summary = "Does nothing."});
        operators_.add("wait", wait_deferred, {.summary = "Waits for an hour."});
        log_.set_listener(&listener_);
    }

    void prepare(const std::string& text, runtime::run_observer& observer)
    {
        graph::load_result r = graph::load_dag(text, "bench.json", operators_);
        if (!r.value) {
            std::fputs(graph::format_diagnostics(r).c_str(), stderr);
            std::exit(1);
        }
        runtime::run_plan plan;
        plan.id = run_id("benchrun0000");
        plan.dag = r.value;
        plan.created = loop_.wall_now();
        run_ = std::make_unique<runtime::run_executor>(services_, std::move(plan), mask_, observer);
        listener_.run = run_.get();
    }

    void carry_out()
    {
        const auto busy = boost::asio::make_work_guard(io_);
        run_->start([this] { io_.stop(); });
        io_.run();
    }

    [[nodiscard]] runtime::run_executor& run() noexcept { return *run_; }

    [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }

  private:
    struct tell_the_run final : runtime::commit_log::listener
    {
        void durable(journal::position p) override
        {
            if (run)
                run->durable(p);
        }

        void write_failed(const journal::store_error& e) override { std::fprintf(stderr, "%s\n", e.what()); }

        void write_recovered() override {}

        runtime::run_executor* run = nullptr;
    };

    boost::asio::io_context io_{1};
    real_loop loop_{io_};
    tell_the_run listener_;
    runtime::commit_log log_;
    no_http http_;
    no_processes processes_;
    operator_registry operators_;
    std::mt19937_64 entropy_{1};
    runtime::shared_objects shared_;
    runtime::start_gate starts_{loop_, {}, [](const std::string&) {}};
    runtime::pool_book pools_;
    runtime::services services_{loop_,   http_,   processes_, log_, operators_, std::ref(entropy_),
                                shared_, starts_, pools_};
    runtime::secret_mask mask_;
    std::unique_ptr<runtime::run_executor> run_;
};

int bench_noop(const std::string& shape, std::size_t count, const std::string& where, const std::string& state)
{
    std::unique_ptr<journal::store> store;
    if (where == "sqlite")
        store = journal::open_sqlite_store(journal::state_layout(state));
    else
        store = std::make_unique<journal::memory_store>();
    const auto mode = where == "sqlite"   ? journal::writer_mode::threaded
                      : where == "memory" ? journal::writer_mode::synchronous
                                          : journal::writer_mode::discarding;
    lone_run r(*store, mode);
    runtime::run_observer quiet;
    r.prepare(shape == "layers" ? layers(count) : items(count, "noop"), quiet);
    const auto began = std::chrono::steady_clock::now();
    const double cpu = bench::cpu_seconds();
    r.carry_out();
    const double used = bench::cpu_seconds() - cpu;
    const double wall = bench::seconds_since(began);
    if (r.run().machine().state() != schedule::run_state::success)
        return 1;
    const std::string name = "runtime.noop_" + shape + "." + std::to_string(count) + "." + where;
    const auto n = static_cast<double>(count);
    bench::figure cost{.name = name, .value = used * 1e6 / n, .unit = "us/task"};
    if (where == "none") {
        cost.goal = bench::at_most(0.5);
        cost.beyond = bench::at_most(0.2);
    }
    bench::print(cost);
    bench::print({.name = name + ".rate", .value = n / wall, .unit = "tasks/s"});
    return 0;
}

/// Stops the loop once all attempts are deferred.
class all_waiting final : public runtime::run_observer
{
  public:
    all_waiting(boost::asio::io_context& io, std::size_t attempts) : io_(io), left_(attempts) {}

    void attempt_deferred(task_index, item_index, bool deferred) override
    {
        if (deferred && --left_ == 0)
            io_.stop();
    }

  private:
    boost::asio::io_context& io_;
    std::size_t left_;
};

int bench_waiting(std::size_t count)
{
    journal::memory_store store;
    lone_run r(store, journal::writer_mode::discarding);
    all_waiting watch(r.io(), count);
    r.prepare(items(count, "wait"), watch);
    const auto n = static_cast<double>(count);
    const double resident = bench::resident_bytes();
    const std::size_t slab = detail::frame_bytes_in_use();
    const auto before = ::mallinfo2();
    r.carry_out();
    const auto after = ::mallinfo2();
    const auto print = [&](const char* part, double bytes) {
        bench::print(
            {.name = "runtime.waiting." + std::to_string(count) + "." + part, .value = bytes / n, .unit = "B"});
    };
    print("slab", static_cast<double>(detail::frame_bytes_in_use() - slab));
    print("heap",
          static_cast<double>(after.uordblks + after.hblkhd) - static_cast<double>(before.uordblks + before.hblkhd));
    print("resident", bench::resident_bytes() - resident);
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "noop" && argc > 4)
        return bench_noop(argv[2], std::stoul(argv[3]), argv[4], argc > 5 ? argv[5] : ".potoo");
    if (what == "waiting" && argc > 2)
        return bench_waiting(std::stoul(argv[2]));
    std::fputs("usage: runtime_bench noop layers|items COUNT none|memory|sqlite [STATE_DIR] | waiting COUNT\n", stderr);
    return 2;
}
