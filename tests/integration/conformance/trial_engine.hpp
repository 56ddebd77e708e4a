#pragma once
/// @file
/// An engine on the machine's own clock and network that can be killed and brought up again. Its journal survives.

#include "engine/host/host.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/schedule/states.hpp"
#include "tests/integration/conformance/gated_journal.hpp"

#include <potoo/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::conformance {

class trial_engine
{
  public:
    /// @param patience how long one of the functions below may take
    explicit trial_engine(std::chrono::seconds patience);

    trial_engine() : trial_engine(std::chrono::seconds(120)) {}

    ~trial_engine();

    trial_engine(const trial_engine&) = delete;
    trial_engine& operator=(const trial_engine&) = delete;

    /// Starts a run; it goes on while one of the functions below drives the loop.
    void start(const std::string& yaml, const json::object& params);

    /// The engine stops where it is, before or after the journal has the first record of that kind.
    void stop_at(journal::record_kind kind, gate_side side);

    /// Drives the engine until it stands still there. Throws when the run ends first.
    void run_until_stopped();

    /// Drives the engine until it holds. Throws when that takes too long.
    void run_until(const std::function<bool()>& holds);

    /// Nothing is left of the engine but what is durable.
    void crash();

    /// A new engine goes on with what the journal says is unfinished, or left remote jobs unconfirmed.
    void come_up();

    void cancel();

    /// Asked for while no engine runs: only a record.
    void cancel_while_down();

    /// Drives the engine until the run has ended. @return how
    schedule::run_state finish();

    [[nodiscard]] bool deferred() const noexcept;

    /// The output of the DAG's one task.
    [[nodiscard]] json::value output();

    /// Its error: `class`, `code`, `message`, `remote`.
    [[nodiscard]] json::object error();

    [[nodiscard]] std::string logs();

    [[nodiscard]] std::size_t unconfirmed();

    /// The text is in a record of the run or in its log.
    [[nodiscard]] bool has_written(std::string_view text);

    /// How often the journal has such a record.
    [[nodiscard]] std::size_t recorded(journal::record_kind kind);

  private:
    struct life;

    void drive(const std::function<bool()>& until);

    std::chrono::seconds patience_;
    journal::memory_store kept_;
    std::unique_ptr<life> life_;
};

/// Something did not happen in time.
class overdue : public std::runtime_error
{
    using runtime_error::runtime_error;
};

} // namespace potoo::conformance
