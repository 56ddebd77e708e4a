#pragma once
/// @file
/// One replay: begins its runs one after another, so many at once, until all have ended. Internal to `replays`.

#include "engine/server/schedules/replay_ledger.hpp"
#include "engine/server/schedules/replays.hpp"

#include <potoo/wait.hpp>

#include <cstddef>
#include <functional>
#include <set>
#include <string>

namespace potoo::server {

/// What replays share.
struct replay_ports
{
    /// Kind of the ledger's entries.
    static constexpr const char* kind = "replay";

    runtime::ledger& memory;
    dag_source& dags;
    run_starter& runs;
    replay_settings settings;
    std::function<std::size_t()> active{}; ///< runs of all replays that have not ended
    counter changes{};                     ///< of replays, or of how many runs they have

    void say(const std::string& line) const
    {
        if (settings.say)
            settings.say(line);
    }

    void warn(const std::string& line) const
    {
        if (settings.warn)
            settings.warn(line);
        else
            say(line);
    }
};

class replay_lane
{
  public:
    replay_lane(replay_ports& ports, replay_record kept) : ports_(ports), kept_(std::move(kept)) {}

    replay_lane(const replay_lane&) = delete;
    replay_lane& operator=(const replay_lane&) = delete;

    /// Runs of it that have not ended.
    [[nodiscard]] std::size_t active() const noexcept { return active_.size(); }

    /// It is over, and so is every run of it.
    [[nodiscard]] bool is_settled() const noexcept { return kept_.settled; }

    [[nodiscard]] replay_row row() const;

    /// Of one that an engine before has left: its runs as the journal has them.
    void count_runs();

    /// Until it is settled. What goes wrong is told and tried again.
    [[nodiscard]] task<> carry();

    /// No more runs of it begin, and those under way are asked to stop. Durable when it returns.
    [[nodiscard]] task<> cancel();

    /// Of one that was cancelled before its runs could be asked to stop; what goes wrong is told.
    [[nodiscard]] task<> stop_runs();

    /// A run of it has ended. @param key of its origin
    void heed_end(const std::string& key, bool succeeded);

  private:
    class cancelling_guard;

    // One thing at a time.
    [[nodiscard]] task<> work();
    [[nodiscard]] task<> go_on();
    [[nodiscard]] task<bool> begin(wall_time at);
    [[nodiscard]] task<> finish(replay_state state);
    [[nodiscard]] task<> cancel_runs();
    [[nodiscard]] task<> save();
    [[nodiscard]] task<> write(replay_record r);
    [[nodiscard]] bool is_full() const;

    replay_ports& ports_;
    replay_record kept_;
    std::set<std::string> active_; ///< origin keys of its runs that have not ended
    bool cancelling_ = false;      ///< the ledger is being told that it is cancelled
    std::uint32_t failures_ = 0;
};

} // namespace potoo::server
