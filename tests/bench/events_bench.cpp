// What it costs to tell many subscribers what happens: tasks change their states at random times for some seconds, each
// change goes to an SQLite journal, and every subscriber is sent every change over a socket of its own. Measured are
// the processor time of the loop's thread for a change, and how late the tasks wake up meanwhile: with no subscriber,
// and with all of them. Usage: events_bench SUBSCRIBERS TASKS SECONDS

#include "engine/journal/sqlite_store.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/runtime/commit_log.hpp"
#include "engine/server/events/event_feed.hpp"
#include "figure.hpp"

#include <potoo/execution.hpp>
#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace potoo;
using namespace potoo::bench;

namespace {

double thread_seconds()
{
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class scratch
{
  public:
    scratch() : layout_(std::filesystem::temp_directory_path() / ("potoo-bench-" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(layout_.directory());
    }

    ~scratch() { std::filesystem::remove_all(layout_.directory()); }

    [[nodiscard]] const journal::state_layout& layout() const { return layout_; }

  private:
    journal::state_layout layout_;
};

/// The clients: one thread takes what is sent on all sockets, and counts it.
class clients
{
  public:
    explicit clients(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            std::array<int, 2> ends{};
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
                throw std::runtime_error("no socket: is the limit of open files (ulimit -n) too low?");
            sending_.push_back(ends[0]);
            taking_.push_back({ends[1], POLLIN, 0});
        }
        thread_ = std::thread([this] { take(); });
    }

    clients(const clients&) = delete;
    clients& operator=(const clients&) = delete;

    ~clients()
    {
        for (const int s : sending_)
            ::close(s);
        thread_.join();
        for (const auto& p : taking_)
            if (p.fd >= 0)
                ::close(p.fd);
    }

    [[nodiscard]] int socket_of(std::size_t i) const { return sending_[i]; }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    void take()
    {
        std::vector<char> buffer(1UL << 20);
        std::size_t open = taking_.size();
        while (open > 0) {
            ::poll(taking_.data(), taking_.size(), -1);
            for (auto& p : taking_) {
                if (p.revents == 0)
                    continue;
                const auto n = ::read(p.fd, buffer.data(), buffer.size());
                if (n > 0) {
                    bytes_ += static_cast<std::uint64_t>(n);
                } else {
                    ::close(p.fd);
                    p.fd = -1;
                    --open;
                }
            }
        }
    }

    std::vector<int> sending_;
    std::vector<pollfd> taking_;
    std::atomic<std::uint64_t> bytes_{0};
    std::thread thread_;
};

/// Tells the feed what the engine would tell it.
class growth final : public runtime::commit_log::listener
{
  public:
    explicit growth(server::event_feed& feed) : feed_(feed) {}

    void durable(journal::position) override { feed_.journal_grown(); }

    void write_failed(const journal::store_error& why) override { throw journal::store_error(why); }

    void write_recovered() override {}

  private:
    server::event_feed& feed_;
};

class kept final : public execution
{
  public:
    kept(potoo::loop& l, const std::string* name, task<> t) : execution(l, name), task_(std::move(t))
    {
        task_access<void>::start(task_, *this);
    }

  private:
    void on_end() noexcept override {}

    task<> task_;
};

struct tally
{
    std::vector<float> late;
    std::uint64_t changes = 0;
    std::uint64_t messages = 0;
    std::uint64_t refused = 0; ///< sockets that were full
};

journal::record change(journal::run_number run, std::uint32_t item, journal::record_kind kind, wall_time now)
{
    journal::record r;
    r.run = run;
    r.kind = kind;
    r.task = task_index(0);
    r.item = item_index(item);
    r.attempt = attempt_number(1);
    r.at = now;
    r.epoch = 1;
    if (kind == journal::record_kind::attempt_ended)
        r.state = journal::recorded_state::success;
    return r;
}

/// An item: starts, defers, resumes and ends, each at a time of its own.
task<> live(potoo::loop& l, runtime::commit_log& log, journal::run_number run, std::uint32_t item,
            std::array<steady_time, 4> due, tally& t)
{
    using enum journal::record_kind;
    constexpr std::array kinds{attempt_started, attempt_deferred, attempt_resumed, attempt_ended};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        co_await sleep_until(due[i]);
        t.late.push_back(std::chrono::duration<float, std::milli>(steady_clock::now() - due[i]).count());
        ++t.changes;
        log.append(change(run, item, kinds[i], l.wall_now()));
    }
}

task<> follow(server::subscription& events, int socket, tally& t)
{
    for (;;) {
        auto batch = co_await events.next();
        if (!batch.end.empty())
            throw std::runtime_error("a subscriber was told: " + batch.end);
        ++t.messages;
        if (::send(socket, batch.text->data(), batch.text->size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            ++t.refused;
    }
}

journal::new_run one_run()
{
    auto dag = std::make_shared<journal::dag_document>();
    dag->name = "bench";
    dag->tasks = {"simulate"};
    journal::new_run run;
    run.id = run_id("bench0000001");
    run.dag = std::move(dag);
    run.params = "{}";
    return run;
}

struct outcome
{
    double cpu = 0; ///< seconds of the loop's thread
    double late_p99 = 0;
    double late_max = 0;
    tally counts;
    std::uint64_t rounds = 0;
    std::uint64_t bytes = 0;
};

outcome measure(std::size_t subscribers, std::uint32_t tasks, std::chrono::milliseconds time)
{
    const scratch directory;
    boost::asio::io_context context(1);
    real_loop loop(context);
    const auto store = journal::open_sqlite_store(directory.layout());
    const auto reader = journal::open_sqlite_reader(directory.layout());
    clients peers(subscribers);
    runtime::commit_log log(loop, *store, journal::writer_mode::threaded);
    server::event_feed feed(loop, *reader);
    growth listener(feed);
    log.set_listener(&listener);
    outcome result;
    std::vector<std::unique_ptr<server::subscription>> subscriptions;
    std::deque<kept> running;
    for (std::size_t i = 0; i < subscribers; ++i) {
        subscriptions.push_back(feed.subscribe({}, std::nullopt));
        running.emplace_back(loop, loop.intern("subscriber"),
                             follow(*subscriptions.back(), peers.socket_of(i), result.counts));
    }
    const auto run = log.create_run(one_run());
    std::mt19937_64 random{1};
    const auto begin = steady_clock::now() + std::chrono::milliseconds(500);
    std::uniform_int_distribution<std::int64_t> at(0, std::chrono::nanoseconds(time).count());
    result.counts.late.reserve(4UL * tasks);
    for (std::uint32_t i = 0; i < tasks; ++i) {
        std::array<steady_time, 4> due{};
        for (auto& d : due)
            d = begin + std::chrono::nanoseconds(at(random));
        std::ranges::sort(due);
        running.emplace_back(loop, loop.intern("item"), live(loop, log, run, i, due, result.counts));
    }
    const double cpu = thread_seconds();
    context.run_for(time + std::chrono::milliseconds(1'500));
    result.cpu = thread_seconds() - cpu;
    log.set_listener(nullptr);
    auto& late = result.counts.late;
    std::ranges::sort(late);
    result.late_p99 = late.at(late.size() * 99 / 100);
    result.late_max = late.back();
    result.rounds = feed.stats().rounds;
    result.bytes = peers.bytes();
    running.clear();
    subscriptions.clear();
    return result;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fputs("usage: events_bench SUBSCRIBERS TASKS SECONDS\n", stderr);
        return 2;
    }
    const auto subscribers = std::stoul(argv[1]);
    const auto tasks = static_cast<std::uint32_t>(std::stoul(argv[2]));
    const std::chrono::milliseconds time(static_cast<std::int64_t>(1'000 * std::stod(argv[3])));
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const outcome none = measure(0, tasks, time);
    const outcome all = measure(subscribers, tasks, time);
    const auto changes = static_cast<double>(all.counts.changes);
    const std::string note =
        fmt::format("{} subscribers, {} tasks, {} changes in {} s, {} messages in {} rounds, {:.0f} MB, {} not taken",
                    subscribers, tasks, all.counts.changes, argv[3], all.counts.messages, all.rounds,
                    static_cast<double>(all.bytes) / 1e6, all.counts.refused);
    const auto alone = [](double value) { return bench::peer{"without subscribers", value, {}}; };
    print({.name = "events.cpu_per_change",
           .value = 1e6 * all.cpu / changes,
           .unit = "us",
           .peer = alone(1e6 * none.cpu / changes),
           .note = note});
    print({.name = "events.cpu_per_change_and_subscriber",
           .value = 1e9 * (all.cpu - none.cpu) / changes / static_cast<double>(subscribers),
           .unit = "ns",
           .note = note});
    print({.name = "events.lateness.p99",
           .value = all.late_p99,
           .unit = "ms",
           .peer = alone(none.late_p99),
           .goal = at_most(5),
           .beyond = at_most(2),
           .note = note});
    print({.name = "events.lateness.max",
           .value = all.late_max,
           .unit = "ms",
           .peer = alone(none.late_max),
           .note = note});
    return 0;
}
