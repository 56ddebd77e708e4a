#pragma once
// Runs that wait for something, and runs that were stopped while they did.

#include "program.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace potoo::cli::test {

inline bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

/// Ends by itself once the file `go` is there.
inline constexpr const char* waiting_dag = R"(name: waits
tasks:
  before: {operator: shell, with: {command: "echo once >> done"}}
  wait: {operator: file_sensor, depends_on: [before], with: {path: go, interval: 20ms}}
  after: {operator: shell, depends_on: [wait], with: {command: "echo after >> done"}}
)";

/// Its process has to be killed, and that only after a long grace.
inline constexpr const char* stubborn_dag = R"(name: stubborn
tasks:
  hold: {operator: shell, with: {command: "trap '' TERM; echo held; while :; do sleep 0.1; done", grace: 1000s}}
)";

/// Runs a DAG file until `text` was told, and stops the engine. @return the run's id
inline std::string stopped_run(const workspace& w, const std::string& file, std::string_view text = "wait: running",
                               std::vector<std::string> more = {})
{
    std::vector<std::string> arguments{"run", file, "--only"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    program p(w, arguments);
    BOOST_REQUIRE(p.wait_for(text));
    p.signal(SIGINT);
    const result r = p.finish();
    BOOST_REQUIRE_MESSAGE(r.code == 3, r.err);
    return latest_run(w);
}

/// Id of the run that a program has begun, as it tells on standard error.
inline std::string begun_run(program& p)
{
    BOOST_REQUIRE(p.wait_for(" started, "));
    const std::string_view told = p.told();
    const auto at = told.find(": run ") + 6;
    return std::string(told.substr(at, 12));
}

} // namespace potoo::cli::test
