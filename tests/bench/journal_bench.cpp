/// What the journal costs: durable records a second, and CPU of the writing thread for each. One line of JSON a figure.

#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/writer.hpp"
#include "figure.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <unistd.h>

namespace {

using namespace potoo;
using namespace potoo::journal;

double cpu_seconds(clockid_t clock)
{
    timespec t{};
    ::clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void report(const std::string& name, double value, const char* unit)
{
    bench::print({.name = name, .value = value, .unit = unit});
}

/// A state directory of its own, gone afterwards.
class scratch
{
  public:
    explicit scratch(std::filesystem::path parent)
        : layout_(std::move(parent) / ("potoo-bench-" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(layout_.directory());
    }

    ~scratch() { std::filesystem::remove_all(layout_.directory()); }

    [[nodiscard]] const state_layout& layout() const { return layout_; }

  private:
    state_layout layout_;
};

new_run one_run()
{
    auto dag = std::make_shared<dag_document>();
    dag->name = "bench";
    dag->tasks.assign(100'000, "noop");
    new_run run;
    run.number = run_number(1);
    run.id = run_id("bench0000001");
    run.dag = std::move(dag);
    run.params = "{}";
    return run;
}

/// The end of the i-th attempt: a no-op without output, or one with a small output.
record ended_attempt(std::uint32_t i, bool with_output)
{
    record r;
    r.run = run_number(1);
    r.kind = record_kind::attempt_ended;
    r.state = recorded_state::success;
    r.task = task_index(i % 100'000);
    r.item = item_index(0);
    r.attempt = attempt_number(1);
    r.at = wall_time(std::chrono::milliseconds(1'790'000'000'000 + i / 100));
    r.epoch = 1;
    if (with_output)
        r.data = R"({"exit":0,"reason":"ok","host":"w-17"})";
    return r;
}

/// Batches of a given size, one after another, on this thread.
void bench_batches(const std::filesystem::path& parent, std::uint32_t size, std::uint32_t total, bool with_output)
{
    const scratch place(parent);
    const auto store = open_sqlite_store(place.layout());
    batch b;
    b.runs.push_back(one_run());
    store->append(b);
    const auto began = std::chrono::steady_clock::now();
    const auto cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (std::uint32_t i = 0; i < total;) {
        b.clear();
        for (std::uint32_t end = std::min(total, i + size); i < end; ++i)
            b.records.push_back(ended_attempt(i, with_output));
        store->append(b);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto name = "journal.append_durable.batch_" + std::to_string(size) + (with_output ? ".output" : "");
    report(name, total / took.count(), "records/s");
    report(name + ".cpu", (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu) / total * 1e6, "us/record");
}

/// As the engine does it: one thread appends as fast as it may, the writer gathers.
void bench_natural(const std::filesystem::path& parent, std::uint32_t total, bool with_output)
{
    const scratch place(parent);
    auto store = open_sqlite_store(place.layout());
    writer journal(*store);
    journal.create_run(one_run());
    journal.flush();
    const auto began = std::chrono::steady_clock::now();
    const auto process_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double waited_cpu = 0;
    const auto cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (std::uint32_t i = 0; i < total; ++i) {
        journal.append(ended_attempt(i, with_output));
        if (journal.over_limit()) {
            const auto before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
            while (journal.over_limit())
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            waited_cpu += cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - before;
        }
    }
    const auto appended_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu - waited_cpu;
    journal.flush();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto name = std::string("journal.append_durable") + (with_output ? ".output" : "");
    report(name, total / took.count(), "records/s");
    report(name + ".cpu", (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_cpu) / total * 1e6, "us/record");
    report(name + ".cpu_of_engine_thread", appended_cpu / total * 1e6, "us/record");
    journal.stop();
    store.reset();
    report(name + ".file", static_cast<double>(std::filesystem::file_size(place.layout().database())) / total,
           "bytes/record");
}

/// As many attempts as an engine has in flight, each of which records its next transition when its last one is durable.
void bench_in_flight(const std::filesystem::path& parent, position in_flight, std::uint32_t total)
{
    const scratch place(parent);
    const auto store = open_sqlite_store(place.layout());
    std::counting_semaphore<> more_is_durable(0);
    std::atomic<position> durable{0};
    std::size_t batches = 0;
    const auto tell = [&](position p) {
        durable = p;
        ++batches;
        more_is_durable.release();
    };
    writer journal(*store, {.durable = tell, .failed = {}, .recovered = {}});
    journal.create_run(one_run());
    journal.flush();
    const auto began = std::chrono::steady_clock::now();
    const auto cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (std::uint32_t i = 0; i < total; ++i) {
        while (journal.last() - durable >= in_flight)
            more_is_durable.acquire();
        journal.append(ended_attempt(i, true));
    }
    journal.flush();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto name = "journal.durable_transitions.in_flight_" + std::to_string(in_flight);
    report(name, total / took.count(), "records/s");
    report(name + ".cpu", (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / total * 1e6, "us/record");
    journal.stop();
    report(name + ".batch", static_cast<double>(total) / static_cast<double>(batches), "records");
}

/// Reading back all of a run, as recovery does.
void bench_recovery(const std::filesystem::path& parent, std::uint32_t total)
{
    const scratch place(parent);
    auto store = open_sqlite_store(place.layout());
    batch b;
    b.runs.push_back(one_run());
    for (std::uint32_t i = 0; i < total; ++i)
        b.records.push_back(ended_attempt(i, true));
    store->append(b);
    store.reset();
    const auto opening = std::chrono::steady_clock::now();
    store = open_sqlite_store(place.layout());
    const auto began = std::chrono::steady_clock::now();
    const auto cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    std::size_t bytes = 0;
    store->records(run_number(1), record_seq(0), [&](record_seq, const record& r) {
        bytes += r.data.size();
        return true;
    });
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    const auto read_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    if (bytes == 0)
        std::abort();
    const auto name = "journal.read_" + std::to_string(total / 1'000) + "k_records";
    report(name + ".each", took.count() / total, "us/record");
    report(name + ".each.cpu", read_cpu / total * 1e6, "us/record");
    report(name + ".open", std::chrono::duration<double, std::milli>(began - opening).count(), "ms");
}

/// Removing a big run: in all, and the longest that a commit may have to wait for it.
void bench_prune(const std::filesystem::path& parent, std::uint32_t total)
{
    const scratch place(parent);
    const auto store = open_sqlite_store(place.layout());
    batch b;
    b.runs.push_back(one_run());
    for (std::uint32_t i = 0; i < total; ++i)
        b.records.push_back(ended_attempt(i, true));
    record end;
    end.run = run_number(1);
    end.kind = record_kind::run_ended;
    end.state = recorded_state::success;
    b.records.push_back(end);
    store->append(b);
    while (store->maintain()) {}
    std::chrono::duration<double, std::milli> longest{};
    const auto began = std::chrono::steady_clock::now();
    const std::size_t piece = writer_limits{}.prune_records;
    bool more = true;
    while (more) {
        const auto before = std::chrono::steady_clock::now();
        more = store->prune({.keep_runs = 0}, wall_time{}, piece).more;
        longest =
            std::max<std::chrono::duration<double, std::milli>>(longest, std::chrono::steady_clock::now() - before);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    report("journal.prune.each", took.count() / total, "us/record");
    report("journal.prune.longest_piece", longest.count(), "ms");
}

/// Reading back and folding a run of 100,000 tasks.
void bench_reading(const std::filesystem::path& parent)
{
    constexpr std::uint32_t tasks = 100'000;
    const scratch place(parent);
    const auto store = open_sqlite_store(place.layout());
    batch b;
    b.runs.push_back(one_run());
    for (std::uint32_t i = 0; i < tasks; ++i)
        b.records.push_back(ended_attempt(i, true));
    record end;
    end.run = run_number(1);
    end.kind = record_kind::run_ended;
    end.state = recorded_state::success;
    b.records.push_back(end);
    store->append(b);
    const auto timed = [](const char* name, auto work) {
        const auto began = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
        report(name, took.count(), "ms");
    };
    std::size_t bytes = 0;
    timed("journal.read_100k_records", [&] {
        store->records(run_number(1), record_seq(0), [&](record_seq, const record& r) {
            bytes += r.data.size();
            return true;
        });
    });
    timed("journal.status_100k_tasks.live", [&] { bytes += store->tasks(run_number(1)).size(); });
    timed("journal.fold_100k_tasks", [&] { bytes += store->maintain() ? 1 : 0; });
    timed("journal.status_100k_tasks.folded", [&] { bytes += store->tasks(run_number(1)).size(); });
    if (bytes == 0)
        std::abort();
}

} // namespace

/// @param argv[1] directory on the file system to measure; the temporary directory unless given
int main(int argc, char** argv)
{
    const std::filesystem::path parent = argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
    bench_natural(parent, 2'000'000, false);
    bench_natural(parent, 1'000'000, true);
    bench_in_flight(parent, 5'000, 1'000'000);
    bench_batches(parent, 1, 5'000, false);
    bench_batches(parent, 100, 500'000, false);
    bench_batches(parent, 1'000, 1'000'000, false);
    bench_batches(parent, 1'000, 1'000'000, true);
    bench_reading(parent);
    bench_recovery(parent, 400'000);
    bench_prune(parent, 400'000);
    return 0;
}
