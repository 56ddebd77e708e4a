#pragma once
/// @file
/// A DAG that a program prints, for those that depend on something outside. The file `NAME.generator.yaml` says which:
///
///     exec: [./list-customers, --as-dag]   # run in the file's folder
///     every: 10m                           # 5m unless given
///     timeout: 1m                          # 30s unless given

#include <potoo/process.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <string>
#include <vector>

namespace potoo::server {

struct generator_spec
{
    std::vector<std::string> exec; ///< the program and its arguments
    duration every{300'000};
    duration timeout{30'000};

    friend bool operator==(const generator_spec&, const generator_spec&) = default;
};

/// @param name for messages @throws host::config_error with every problem and its place
[[nodiscard]] generator_spec parse_generator(const std::string& text, const std::string& name);

struct generated
{
    std::string text;    ///< of the DAG
    std::string problem; ///< what went wrong, whole lines; empty = nothing
};

/// Runs the program once, and stops it when its time is over. Of what it prints at most 16 MiB are taken.
[[nodiscard]] task<generated> generate(process_runner& processes, generator_spec spec, std::string directory,
                                       std::vector<std::string> environment);

} // namespace potoo::server
