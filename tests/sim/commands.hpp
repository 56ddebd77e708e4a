#pragma once
// What the program does.

#include "scenario.hpp"
#include "simulation.hpp"

#include <cstdint>
#include <string>

namespace potoo::sim {

int run_seeds(std::uint64_t from, std::uint64_t count, unsigned processes);
int run_seed(std::uint64_t seed, bool print_trace);
int run_kept_seeds(const std::string& file);
int run_twice(std::uint64_t from, std::uint64_t count);
int run_planted_faults();

/// @param only the name of one of them; empty = all
int run_small_dags(const std::string& only);

/// For whoever has to find out why.
/// @param repeat the command that shows it again
void print_failure(const scenario& s, const report& r, const std::string& repeat);

} // namespace potoo::sim
