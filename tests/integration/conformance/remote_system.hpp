#pragma once
/// @file
/// A remote system as the conformance suite needs it: what to run on it, how it looks from its own side, and which
/// faults it can be made to show. One implementation for each backend, over the real system.

#include <potoo/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace potoo::conformance {

/// What a job of the suite does.
enum class job_kind : std::uint8_t
{
    succeeds, ///< at once, with the output `{"answer": 42}`
    fails,    ///< at once, with exit code 7
    speaks,   ///< writes `hello from the job` to its log and succeeds
    lasts,    ///< some two seconds, then as `succeeds`
    endures,  ///< an hour, unless it is cancelled
};

/// What the remote side or the way to it does wrong.
enum class misbehaviour : std::uint8_t
{
    throttles,         ///< refuses a few submissions and looks, and asks to be left alone for a moment
    fails_for_a_while, ///< answers a few submissions and looks with an error of its own, nothing done
    loses_the_answer,  ///< accepts the first submission, and the answer is lost
    accepts_late,      ///< the first submission takes effect after its sender has given up
    refuses_to_cancel, ///< answers the first few cancellations with an error, nothing done
};

/// What the remote system can say or promise about the tokens it was given.
enum class launch_guarantee : std::uint8_t
{
    finds,        ///< can be asked for the job of a token
    deduplicates, ///< makes one job of two submissions with the same token
    none,
};

struct remote_job
{
    enum class phase : std::uint8_t
    {
        queued,
        running,
        succeeded,
        failed,
        cancelled,
    };

    std::string id;
    std::string token;
    phase now = phase::queued;

    [[nodiscard]] bool over() const noexcept { return now >= phase::succeeded; }
};

class remote_system
{
  public:
    virtual ~remote_system() = default;

    /// The lines `operator:` and `with:` of a task, without indentation.
    [[nodiscard]] virtual std::string task_text(job_kind kind) const = 0;

    /// What the DAG has besides its task, such as `connections:`.
    [[nodiscard]] virtual std::string dag_text() const { return {}; }

    /// What the operator shows the service to be let in: to be written nowhere.
    [[nodiscard]] virtual std::vector<std::string> credentials() const { return {}; }

    /// The DAG's parameters, for `task_text` to name.
    [[nodiscard]] virtual json::object params() const { return {}; }

    /// Where in a task's output the job's own is.
    [[nodiscard]] virtual json::value answer(const json::value& output) const { return output.at("result"); }

    [[nodiscard]] virtual launch_guarantee guarantee() const noexcept = 0;

    /// Every job that it has accepted since it was made, asked for in another way than the operator does.
    [[nodiscard]] virtual std::vector<remote_job> jobs() = 0;

    /// Takes all places, so that the next job is queued. @return false when this system has no queue
    virtual bool occupy() { return false; }

    /// @return false when it cannot be made to
    virtual bool misbehave(misbehaviour) { return false; }

    /// Deletes the job behind the engine's back. @return false when it has no way to
    virtual bool forget(const remote_job&) { return false; }
};

} // namespace potoo::conformance
