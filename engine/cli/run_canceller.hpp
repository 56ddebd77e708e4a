#pragma once
/// @file
/// Cancelling runs, wherever they are: in a state directory, or at a server.

#include "engine/cli/target_options.hpp"
#include "engine/host/request_result.hpp"

#include <potoo/ids.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::cli {

struct run_to_cancel
{
    run_id id;
    std::string dag;
    std::size_t deferred = 0; ///< attempts that wait for something remote
};

/// How a run, or tasks of it, came to an end that was waited for.
struct cancelled_end
{
    bool ended = false;          ///< else the engine has left before, or a signal came
    std::string state;           ///< of what has ended; of several tasks the worst
    int signal = 0;              ///< that came before the end; 0 = none
    std::size_t unconfirmed = 0; ///< remote jobs of the run that may run still
};

class run_canceller
{
  public:
    run_canceller() = default;
    run_canceller(const run_canceller&) = delete;
    run_canceller& operator=(const run_canceller&) = delete;
    virtual ~run_canceller() = default;

    /// Those that have not ended.
    [[nodiscard]] virtual std::vector<run_to_cancel> all() = 0;

    /// @param named its id or the first characters of it; `last` = the latest that has not ended
    /// @throws usage_error when there is no such run, or it has not all of the tasks
    [[nodiscard]] virtual run_to_cancel find(const std::string& named, const std::vector<std::string>& tasks) = 0;

    /// @param tasks by name; empty = the whole run
    [[nodiscard]] virtual host::request_result ask(const run_id& run, const std::vector<std::string>& tasks) = 0;

    /// From now on Ctrl-C and its like end the waiting only.
    virtual void expect_signals() = 0;

    /// After `expect_signals`.
    [[nodiscard]] virtual cancelled_end wait(const run_to_cancel& run, const std::vector<std::string>& tasks) = 0;

    /// Where it is, for people: `in .potoo`.
    [[nodiscard]] virtual std::string where() const = 0;

    /// `potoo VERB RUN`, with what it takes to ask the same place again.
    [[nodiscard]] virtual std::string command(std::string_view verb, const std::string& run) const = 0;

    /// What is said of remote jobs that may run still, in whole lines.
    [[nodiscard]] virtual std::string unconfirmed_notes(const run_to_cancel& run, std::size_t jobs) const = 0;
};

[[nodiscard]] std::unique_ptr<run_canceller> open_canceller(const target_options& t);

/// @param state directory of the journal
[[nodiscard]] std::unique_ptr<run_canceller> open_state_canceller(const std::string& state);
[[nodiscard]] std::unique_ptr<run_canceller> open_server_canceller(std::unique_ptr<server_client> server);

} // namespace potoo::cli
