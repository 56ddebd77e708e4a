#include "commands.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace potoo::sim {
namespace {

/// What one process has done, where the others see it even if it crashes.
struct tally
{
    std::uint64_t current; ///< seed
    std::uint64_t seeds;
    std::uint64_t failed;
    std::uint64_t crashes;
    std::uint64_t stops;
    std::uint64_t faults;
    std::uint64_t jobs;
    std::uint64_t commits;
    std::uint64_t actions;
    std::uint64_t unconfirmed;
    std::uint64_t virtual_ms;
    std::uint64_t traces; ///< their hashes together
};

void add(tally& t, const report& r)
{
    ++t.seeds;
    t.failed += r.broken ? 1 : 0;
    t.crashes += r.crashes;
    t.stops += r.stops;
    t.faults += r.faults;
    t.jobs += r.jobs;
    t.commits += r.commits;
    t.actions += r.actions;
    t.unconfirmed += r.unconfirmed;
    t.virtual_ms += static_cast<std::uint64_t>(r.virtual_time.count());
    t.traces ^= r.hash;
}

tally sum_of(const tally* begin, std::size_t n)
{
    tally sum{};
    for (const tally* t = begin; t != begin + n; ++t) {
        sum.seeds += t->seeds;
        sum.failed += t->failed;
        sum.crashes += t->crashes;
        sum.stops += t->stops;
        sum.faults += t->faults;
        sum.jobs += t->jobs;
        sum.commits += t->commits;
        sum.actions += t->actions;
        sum.unconfirmed += t->unconfirmed;
        sum.virtual_ms += t->virtual_ms;
        sum.traces ^= t->traces;
    }
    return sum;
}

std::string command_for(std::uint64_t seed)
{
    return fmt::format("sim seed {} --trace", seed);
}

void run_share(tally& t, std::uint64_t from, std::uint64_t to, unsigned step)
{
    for (std::uint64_t seed = from; seed < to; seed += step) {
        t.current = seed;
        const scenario s = make_scenario(seed);
        const report r = simulate_and_compare(s);
        add(t, r);
        if (r.broken)
            print_failure(s, r, command_for(seed));
    }
}

/// @return whether the process ended by itself
bool ended_well(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) < 0)
        throw std::system_error(errno, std::generic_category(), "waitpid");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void print_summary(const tally& t, double seconds)
{
    const double hours = static_cast<double>(t.virtual_ms) / 3'600'000;
    fmt::print("{} seeds in {:.1f} s: {:.0f} seeds/s, {:.0f} virtual hours/s\n", t.seeds, seconds,
               static_cast<double>(t.seeds) / seconds, hours / seconds);
    fmt::print("{} crashes, {} stops, {} faults, {} jobs, {} commits, {} handlers and events, {} ends unconfirmed\n",
               t.crashes, t.stops, t.faults, t.jobs, t.commits, t.actions, t.unconfirmed);
    fmt::print("{} seeds failed; all traces together: {:016x}\n", t.failed, t.traces);
}

} // namespace

void print_failure(const scenario& s, const report& r, const std::string& repeat)
{
    std::string text = fmt::format("FAILED {}\n", describe(s));
    for (const std::string& line : r.events)
        text += "    " + line + "\n";
    text += fmt::format("FAILED seed {} at {}: {}: {}\nrepeat it with: {}\n", s.seed, format_duration(r.at),
                        r.broken->invariant, r.broken->what, repeat);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

int run_seeds(std::uint64_t from, std::uint64_t count, unsigned processes)
{
    const auto began = std::chrono::steady_clock::now();
    void* shared = mmap(nullptr, sizeof(tally) * processes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    auto* tallies = static_cast<tally*>(shared);
    std::vector<pid_t> children;
    for (unsigned p = 0; p < processes; ++p) {
        const pid_t pid = fork();
        if (pid < 0)
            throw std::system_error(errno, std::generic_category(), "fork");
        if (pid == 0) {
            run_share(tallies[p], from + p, from + count, processes);
            std::fflush(stdout);
            _exit(0);
        }
        children.push_back(pid);
    }
    bool good = true;
    for (unsigned p = 0; p < processes; ++p) {
        if (ended_well(children[p]))
            continue;
        good = false;
        fmt::print("FAILED seed {}: the program broke down\nrepeat it with: {}\n", tallies[p].current,
                   command_for(tallies[p].current));
    }
    const tally sum = sum_of(tallies, processes);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    print_summary(sum, took.count());
    return good && sum.failed == 0 ? 0 : 1;
}

int run_seed(std::uint64_t seed, bool print_trace)
{
    const scenario s = make_scenario(seed);
    options o;
    o.print_trace = print_trace;
    if (print_trace)
        fmt::print("{}\n", describe(s, true));
    const report r = simulate_and_compare(s, o);
    if (r.broken) {
        print_failure(s, r, command_for(seed));
        return 1;
    }
    fmt::print("seed {}: good; {} of virtual time, {} crashes, {} faults, {} jobs, trace {:016x}\n", seed,
               format_duration(r.virtual_time), r.crashes, r.faults, r.jobs, r.hash);
    return 0;
}

int run_kept_seeds(const std::string& file)
{
    std::ifstream in(file);
    if (!in)
        throw std::runtime_error("cannot read " + file);
    int failed = 0;
    int seeds = 0;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::uint64_t seed = 0;
        if (line.empty() || line.front() == '#')
            continue;
        if (!(words >> seed))
            throw std::runtime_error(file + ": a line begins with the number of a seed, not with: " + line);
        ++seeds;
        failed += run_seed(seed, false);
    }
    fmt::print("{} kept seeds, {} failed\n", seeds, failed);
    return failed == 0 ? 0 : 1;
}

int run_twice(std::uint64_t from, std::uint64_t count)
{
    int failed = 0;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        const scenario s = make_scenario(seed);
        const report one = simulate(s);
        const report two = simulate(s);
        const bool same = one.hash == two.hash && one.actions == two.actions;
        failed += same ? 0 : 1;
        if (!same)
            fmt::print("seed {}: {:016x}, and the second time {:016x}\n", seed, one.hash, two.hash);
    }
    fmt::print("{} seeds run twice, {} differ\n", count, failed);
    return failed == 0 ? 0 : 1;
}

} // namespace potoo::sim
