#pragma once
/// @file
/// Runs, wherever they are kept: in a state directory, or at a server. Documents are as the API has them.

#include "engine/cli/target_options.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::cli {

/// Which runs to list. Empty = any.
struct run_wish
{
    std::string dag;
    std::string state;
    std::string by;
    std::string since; ///< RFC 3339, as `until`
    std::string until;
    bool unfinished = false;
    std::size_t limit = 20; ///< 0 = all
};

struct run_list
{
    json::array runs; ///< newest first
    bool more = false;
    std::string notes; ///< what else is to be said of them, in whole lines
};

/// What attempts have logged: of a run, a task, an item or one attempt.
struct log_wish
{
    std::string run; ///< id
    std::string task;
    std::string item; ///< position, or key
    std::uint32_t attempt = 0;
};

struct log_piece
{
    std::string task;
    item_index item;
    attempt_number attempt;
    std::string_view text; ///< valid during the call only
};

using log_visitor = std::function<bool(const log_piece&)>;
using event_visitor = std::function<void(const json::object&)>;

/// How it came that nothing more is followed.
struct followed_end
{
    bool ended = false; ///< the run
    std::string state;  ///< of a run that has ended
    int signal = 0;     ///< that came before; 0 = none
};

class run_source
{
  public:
    run_source() = default;
    run_source(const run_source&) = delete;
    run_source& operator=(const run_source&) = delete;
    virtual ~run_source() = default;

    [[nodiscard]] virtual run_list runs(const run_wish& wish) = 0;

    /// A run with its `tasks`, and the remote jobs that may run still as `unconfirmed`.
    /// @param named its id or the first characters of it; empty or `last` = the latest
    /// @throws usage_error when there is none, or there are several
    [[nodiscard]] virtual json::object run(const std::string& named) = 0;

    /// Why an unfinished run does not go on; empty when it does.
    [[nodiscard]] virtual std::string obstacle(const json::object& run) = 0;

    /// A task with its attempts as `attempt_list`. @param run its id
    /// @throws usage_error naming the nearest task when there is none of that name
    [[nodiscard]] virtual json::object task(const std::string& run, const std::string& name) = 0;

    /// In order of time. Until `visit` returns false.
    virtual void logs(const log_wish& wish, const log_visitor& visit) = 0;

    /// What there is, then what comes, until the run has ended, nobody is at work on it, nobody reads any more, or a
    /// signal asks to stop. @param pause called when there is nothing for the moment
    virtual followed_end follow_logs(const log_wish& wish, const log_visitor& visit,
                                     const std::function<void()>& pause) = 0;

    /// What happens to a run from now on, as events of the API, until it has ended, or as `follow_logs`.
    /// @param begun called once signals end the following only
    virtual followed_end follow(const std::string& run, const event_visitor& visit,
                                const std::function<void()>& begun) = 0;

    /// Names of the run's tasks, in the order of its DAG.
    [[nodiscard]] virtual std::vector<std::string> tasks(const std::string& run) = 0;

    /// `potoo VERB RUN`, with what it takes to ask the same place again.
    [[nodiscard]] virtual std::string command(std::string_view verb, const std::string& run) const = 0;
};

[[nodiscard]] std::unique_ptr<run_source> open_source(const target_options& t);

} // namespace potoo::cli
