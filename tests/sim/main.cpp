// sim seeds [--from N] [--count N] [--processes N]   runs many scenarios
// sim seed N [--trace]                               runs one
// sim kept FILE                                      runs the seeds of a file, a number and a reason a line
// sim small                                          small DAGs, with crashes everywhere
// sim planted                                        plants faults, and fails unless the checker finds each
// sim repeats [--from N] [--count N]                 runs seeds twice and compares the traces
//
// Exit code 0 when every promise was kept, 1 when not, 2 for bad usage.

#include "commands.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::sim {
namespace {

int usage()
{
    std::fputs("usage: sim seeds [--from N] [--count N] [--processes N] | seed N [--trace] | kept FILE | small | "
               "planted | repeats [--from N] [--count N]\n",
               stderr);
    return 2;
}

std::uint64_t number_after(std::span<const std::string> arguments, std::string_view name, std::uint64_t otherwise)
{
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        if (arguments[i] == name)
            return std::stoull(arguments[i + 1]);
    }
    return otherwise;
}

int run(std::span<const std::string> a)
{
    if (a.empty())
        return usage();
    if (a[0] == "seeds")
        return run_seeds(number_after(a, "--from", 1), number_after(a, "--count", 300),
                         static_cast<unsigned>(number_after(a, "--processes", 1)));
    if (a[0] == "seed" && a.size() > 1)
        return run_seed(std::stoull(a[1]), a.back() == "--trace");
    if (a[0] == "kept" && a.size() > 1)
        return run_kept_seeds(a[1]);
    if (a[0] == "small")
        return run_small_dags(a.size() > 1 ? a[1] : std::string());
    if (a[0] == "planted")
        return run_planted_faults();
    if (a[0] == "repeats")
        return run_twice(number_after(a, "--from", 1), number_after(a, "--count", 20));
    return usage();
}

} // namespace
} // namespace potoo::sim

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        return potoo::sim::run(arguments);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "sim: %s\n", e.what());
        return 2;
    }
}
