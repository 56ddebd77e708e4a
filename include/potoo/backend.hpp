#pragma once
/// @file
/// What makes a remote system a backend. The engine does the rest the same way for all: `run_remote_job`.

#include <potoo/context.hpp>
#include <potoo/detail/frame_slab.hpp>
#include <potoo/request_gate.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace potoo {

/// How a job ended.
struct job_result
{
    enum class state : std::uint8_t
    {
        success,
        failed,
        cancelled, ///< by anybody
        lost,      ///< the remote side does not know it any more
    };

    state ended = state::success;
    json::value output;    ///< of a success: the task's output
    std::string error;     ///< of any other end: one sentence
    std::string code;      ///< a short stable word for `retry.on`, may be empty
    bool retryable = true; ///< another attempt may succeed
};

/// One job's view of a remote system. Made by an operator for one attempt, and outlives what it is asked to do. Made by
/// `new` it comes from the slab of frames; every waiting attempt keeps one, so that small is good.
class backend : public detail::slab_allocated
{
  public:
    virtual ~backend() = default;

    /// Launches the job under `token`. @throws failure (surely not accepted), fatal, unknown_outcome (may have been
    /// accepted)
    [[nodiscard]] virtual task<job_id> submit(context& ctx, const launch_token& token) = 0;

    /// Looks for a job that was launched under `token`. Only called if `can_find`. Asked again after a `failure`, and
    /// when credentials were refused (`unauthorized`, `forbidden`, `no_credentials`), which people may mend.
    [[nodiscard]] virtual task<std::optional<job_id>> find(context& ctx, const launch_token& token) = 0;

    /// What to wait for until the job has ended: a leaf that lives in the backend, normally a `watch`, so that a
    /// waiting attempt has no frame for it. It is awaited next, on the attempt's branch or one below it, and survives
    /// faults of the remote side. Called again for a job that was told to stop meanwhile. `id` outlives the wait.
    [[nodiscard]] virtual leaf& begin_wait(context& ctx, const job_id& id) = 0;

    /// How the wait that was begun last went, once it has ended. @throws cancelled when it was broken off, or what
    /// ended it instead of the job's end
    [[nodiscard]] virtual job_result end_wait() = 0;

    /// Asks the remote side to stop the job; the engine then waits for its end. A job that has ended already is no
    /// error.
    /// @throws failure when the request should be repeated; refused credentials are tried again too
    [[nodiscard]] virtual task<> cancel(context& ctx, const job_id& id) = 0;

    /// Copies the job's log to `ctx.log_output`, after the end, and puts into `ended` what only the log tells (see
    /// `job_log`). The default has none.
    [[nodiscard]] virtual task<> logs(context& ctx, const job_id& id, job_result& ended);

    [[nodiscard]] virtual bool can_find() const noexcept = 0;

    /// The remote side itself makes one job of two submissions with the same token.
    [[nodiscard]] virtual bool deduplicates() const noexcept { return false; }

    /// Where submissions, searches and cancellations wait for their turn; null = they need not. What `wait` and `logs`
    /// send does not pass it.
    [[nodiscard]] virtual request_gate* gate() noexcept { return nullptr; }

    /// `submit` waits for others to launch together with (`array_launch`), and the one submission of them all takes its
    /// turn itself.
    [[nodiscard]] virtual bool launches_together() const noexcept { return false; }

    /// How long after a lost answer a request may still take effect.
    [[nodiscard]] virtual duration settle_time() const noexcept { return duration{5'000}; }

    /// How long a cancellation may take, from its turn at the gate on, before it is called unconfirmed.
    [[nodiscard]] virtual duration cancel_grace() const noexcept { return duration{60'000}; }
};

/// Launches a job, waits for its end, and yields its output or throws its failure. Intent and job id are journaled
/// before and after the submission, so that a restart of the engine goes on watching the same job. Told to stop, it
/// cancels the remote job and waits for its end before `cancelled` is thrown; when the engine shuts down it leaves the
/// job running. An attempt that waits keeps this one frame and the backend: so an operator returns this task without
/// being a coroutine itself.
///
/// One attempt launches one job: its token names no other, so that after a crash it is clear what runs. A second call
/// in the same attempt throws `fatal` (`second_launch`), also when the first has failed; what needs several jobs is
/// several tasks, or one with `foreach`.
[[nodiscard]] task<json::value> run_remote_job(context& ctx, std::unique_ptr<backend> b);

/// The same with a backend that outlives the task.
[[nodiscard]] task<json::value> run_remote_job(context& ctx, backend& b);

} // namespace potoo
