// `potoo run` of one task, from the start of the process to its exit: the median of many.
// Usage: start_bench POTOO SCRATCH_DIRECTORY TIMES

#include "child_program.hpp"
#include "figure.hpp"
#include "process_usage.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::bench {
namespace {

struct start_cost
{
    double wall_ms = 0;
    double cpu_ms = 0;
};

start_cost one_start(const std::vector<std::string>& command)
{
    const auto began = std::chrono::steady_clock::now();
    const program_end end = run_program(command);
    if (end.exit_code != 0)
        throw std::runtime_error("`potoo run` ended with exit code " + std::to_string(end.exit_code));
    return {seconds_since(began) * 1e3, end.cpu_seconds * 1e3};
}

void report(const std::string& name, std::vector<start_cost> costs)
{
    const auto median = [&](double start_cost::* member) {
        std::ranges::sort(costs, {}, member);
        return costs[costs.size() / 2].*member;
    };
    print({.name = name,
           .value = median(&start_cost::wall_ms),
           .unit = "ms",
           .goal = at_most(20),
           .beyond = at_most(10)});
    print({.name = name + ".cpu", .value = median(&start_cost::cpu_ms), .unit = "ms"});
}

void run(const std::string& potoo, const std::filesystem::path& scratch, int times)
{
    const auto file = scratch / "one.yaml";
    std::ofstream(file) << "tasks:\n  one: {operator: noop}\n";
    const auto state = scratch / "one";
    std::vector<start_cost> costs;
    for (int i = 0; i < times; ++i) {
        std::filesystem::remove_all(state);
        costs.push_back(one_start({potoo, "run", file, "--state", state}));
    }
    report("run.one_task_new_state", costs);
    costs.clear();
    for (int i = 0; i < times; ++i)
        costs.push_back(one_start({potoo, "run", file, "--ephemeral"}));
    report("run.one_task_ephemeral", costs);
}

} // namespace
} // namespace potoo::bench

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fputs("usage: start_bench POTOO SCRATCH_DIRECTORY TIMES\n", stderr);
        return 2;
    }
    try {
        potoo::bench::run(argv[1], argv[2], std::max(1, std::stoi(argv[3])));
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "start_bench: %s\n", e.what());
        return 1;
    }
}
