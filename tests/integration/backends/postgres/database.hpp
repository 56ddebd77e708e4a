#pragma once
/// @file
/// A database of the program's own on the real server, and a look at it that does not go through what is tested.

#include "tests/unit/operators/fake_context.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::test {

/// What `psql` prints for these statements, one row a line, columns divided by `|`. @throws std::runtime_error
std::string psql(const std::string& conninfo, std::string_view statements);

/// Made when it is asked for first, and dropped at the end of the program.
[[nodiscard]] const std::string& conninfo();

/// `psql` on it.
std::string ask(std::string_view statements);

/// Tasks on the program's database, or another.
struct database_fixture : operator_fixture
{
    database_fixture() { settings["url"] = conninfo(); }

    /// A task, made anew. `connection` is `settings`.
    fake_context& make(std::string_view operator_name, json::object with);

    /// Its output.
    json::value run_sql(json::object with) { return run(make("sql", std::move(with)).perform()); }

    template <class Predicate>
    void run_until(Predicate holds)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        context.restart();
        while (!holds()) {
            context.run_one_for(std::chrono::milliseconds(5));
            if (std::chrono::steady_clock::now() > end)
                throw std::runtime_error("it did not happen in time");
        }
    }

    /// Until the server works on something that this session name has sent.
    void run_until_active(const std::string& name);

    json::object settings{{"type", "sql"}};
    fake_context::shared_objects shared;
    std::unique_ptr<fake_context> made;
};

/// How many sessions of that name there are, and work.
[[nodiscard]] int sessions(const std::string& name);
[[nodiscard]] int active_sessions(const std::string& name);

} // namespace potoo::test
