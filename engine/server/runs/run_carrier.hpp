#pragma once
/// @file
/// The runs that a server carries, from whatever begins them (API, schedule, another run's end, an ad-hoc task, the
/// journal at the start) to their ends.

#include "engine/host/host.hpp"
#include "engine/runtime/run_origin.hpp"

#include <potoo/task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// A run as it goes by. Views are valid during the call only.
struct run_notice
{
    enum class kind
    {
        progress, ///< `fraction` and `text` of an attempt
        property, ///< `text` is the name of a property that an attempt published, `value` its value
        warning,  ///< `text`
        ended,    ///< `state`; or `detached`: the engine let go of it. Not of one that had ended when it was taken up
    };

    kind what = kind::progress;
    const run_id* run = nullptr; ///< never null, but for a warning about no run in particular
    std::string_view dag;
    const runtime::run_origin* origin = nullptr; ///< never null where `run` is not
    std::string_view task;
    item_index item;
    attempt_number attempt;
    double fraction = 0;
    std::string_view text;
    const json::value* value = nullptr;
    schedule::run_state state = schedule::run_state::running;
    bool detached = false;
};

/// Nothing is begun any more.
class server_stopping : public std::runtime_error
{
  public:
    server_stopping() : std::runtime_error("The server is about to stop and begins nothing more: ask again shortly.") {}
};

class run_carrier
{
  public:
    /// `engine` must outlive it. @param warn tells the operator of the server what is wrong (the log); called on the
    /// loop
    run_carrier(host::engine_host& engine, std::function<void(std::string_view)> warn);

    /// Every run must have ended or been let go of before.
    ~run_carrier();

    run_carrier(const run_carrier&) = delete;
    run_carrier& operator=(const run_carrier&) = delete;

    /// Begins a run. It is in the journal when this returns. @throws what `engine_host::run` throws before
    /// that; server_stopping after `stop`
    [[nodiscard]] task<run_id> start(host::run_request wish);

    /// Goes on with a run of the journal: one that an engine before has left, or that is to be retried. When it cannot,
    /// that is tried again after a while, and whenever it is asked for once more. Without effect after `stop`.
    void resume(journal::run_row row);

    /// Lets go of all runs; no more are begun.
    void stop();

    [[nodiscard]] bool is_under_way(const run_id& id) const;

    /// Runs under way that have nothing more to do: their end may be in the journal already, of which the notice comes
    /// later.
    [[nodiscard]] std::vector<run_id> ending() const;

    /// Called for every notice of every run, in the order in which they were added. On the loop; must not throw.
    void listen(std::function<void(const run_notice&)> listener);

    /// Runs that are under way, or cannot go on just now, with those of which only remote jobs are looked after.
    [[nodiscard]] std::size_t active() const noexcept;

    /// Those of a DAG, by its name, that have not ended, but for those whose origin has `but_by` as its `by`.
    [[nodiscard]] std::size_t active_of(std::string_view dag, std::string_view but_by = {}) const noexcept;

    /// Returns when none is under way.
    [[nodiscard]] task<> all_ended();

  private:
    class carried;
    struct parts;

    std::shared_ptr<parts> parts_;
};

} // namespace potoo::server
