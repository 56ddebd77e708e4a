#pragma once
/// @file
/// What a running attempt may do and know. The engine makes one context per attempt; it outlives the operator's
/// coroutine.
///
/// After a restart of the engine an attempt that left records behind is replayed: its operator runs again from the top,
/// and what it did through `step`, `sleep_until`, `now` and `callback` is not done again but gives what was recorded.
/// So these calls must come in the same order, with the same names, in every replay; on branches of `all` and `any`
/// each branch has an order of its own. One that finds something else recorded in its place throws `fatal` with the
/// code `operator_changed`. Once the attempt was told to stop they begin nothing new, and throw `cancelled`.
///
/// Who decided an `any` or `all` is remembered: in a replay the same task is the first, and the others do nothing that
/// they had not done when it was. How many `any` and `all` lie between two such calls may differ from replay to replay
/// (a loop that polls) only while nothing is recorded in them.
///
/// Not remembered are `with_deadline`, `in_time`, `shield` and `scope`: whether a task met its deadline, or which task
/// of a scope ended or failed first, may be otherwise in a replay. So it must not depend on them which of these calls
/// follow. Instead of `with_deadline(work, t)` write `any(work, sleep)`, where `sleep` waits until then; instead of
/// tasks of a scope that wait for one another, `all` or `any` of them; or make what was found out a `step`.

#include <potoo/asio.hpp>
#include <potoo/attempt_names.hpp>
#include <potoo/blocking.hpp>
#include <potoo/callback.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>
#include <potoo/expression.hpp>
#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

namespace potoo {

class http_client;
class process_runner;
enum class output_stream : std::uint8_t;

class context
{
  public:
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// The task's `with`, rendered and checked against the operator's schema, without the late properties.
    [[nodiscard]] virtual const json::object& input() const noexcept = 0;

    /// A late property of `with` (see `operator_details::late`), or nothing when the task does not give it.
    [[nodiscard]] virtual std::optional<value_template> late(std::string_view property) const = 0;

    /// The names that late properties may use: put those that only the operator knows in a layer above it. Made by each
    /// call, for one evaluation: it looks into the attempt, and is not to be kept over a `co_await`.
    [[nodiscard]] virtual attempt_names names() const = 0;

    [[nodiscard]] virtual const run_id& run() const noexcept = 0;
    [[nodiscard]] virtual std::string_view task_name() const noexcept = 0;
    [[nodiscard]] virtual item_index item() const noexcept = 0;
    [[nodiscard]] virtual attempt_number attempt() const noexcept = 0;

    /// The name to launch a remote job under: the same whenever this attempt is replayed.
    [[nodiscard]] virtual launch_token token() const = 0;

    /// A name that all items of this task share in attempts of this number, the same in every replay: for jobs that are
    /// launched together (`array_launch`). Spelt like a launch token.
    [[nodiscard]] virtual launch_token group_token() const = 0;

    /// From now on `secret` is masked wherever the engine writes or shows something: logs, errors, outputs, journal.
    /// For credentials that do not come from the DAG's `secrets`. One of less than three bytes is not.
    virtual void conceal(std::string secret) = 0;

    /// The task's `env`, rendered.
    [[nodiscard]] virtual std::span<const std::pair<std::string, std::string>> environment() const noexcept = 0;

    /// The settings of a named connection, rendered; null when there is none of that name.
    [[nodiscard]] virtual const json::object* connection(std::string_view name) = 0;

    /// When the attempt's `timeout` or the run's `deadline` passes, whichever is first; `steady_time::max()` if
    /// neither.
    [[nodiscard]] virtual steady_time deadline() const noexcept = 0;

    [[nodiscard]] virtual potoo::loop& loop() noexcept = 0;

    [[nodiscard]] steady_time now_steady() noexcept { return loop().now(); }

    [[nodiscard]] virtual http_client& http() noexcept = 0;
    [[nodiscard]] virtual process_runner& processes() noexcept = 0;

    /// Adds a line to the task's log. Secrets are masked, invalid UTF-8 replaced, and beyond the log's limit lines are
    /// counted instead of kept.
    virtual void log(std::string_view line) = 0;

    /// Adds raw output to the task's log, in pieces as they come.
    virtual void log_output(output_stream stream, std::string_view piece) = 0;

    /// What people see while it runs. `fraction` is in 0…1.
    virtual void progress(double fraction, std::string_view message = {}) = 0;

    /// As `progress`, counted: `n` things of `of` are done.
    void progress(std::uint64_t n, std::uint64_t of, std::string_view message = {})
    {
        std::string text = std::to_string(n) + " of " + std::to_string(of);
        if (!message.empty())
            text.append(": ").append(message);
        progress(of == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(of), text);
    }

    /// Makes something public under a name while it runs, for whoever watches the attempt: the last value of a name
    /// counts. Nothing is recorded, so a replay publishes again. Not for secrets, although known ones are masked.
    /// @throws fatal `property` when the name is not of 1 to 64 letters, digits, `_`, `-` and `.`, or the value has
    /// more than 4 KiB as JSON
    virtual void publish(std::string_view name, json::value value) = 0;

    /// While such a guard lives the attempt is shown as `deferred`: it waits for something remote.
    class deferral
    {
      public:
        explicit deferral(context& ctx) : context_(ctx) { context_.set_deferred(true); }

        deferral(const deferral&) = delete;
        deferral& operator=(const deferral&) = delete;

        ~deferral() { context_.set_deferred(false); }

      private:
        context& context_;
    };

    /// Does `work` once: its result is in the journal before this returns, and after a restart of the engine the
    /// recorded result is returned instead. `work` must not make calls that are recorded. A result has at most 16 MiB
    /// as JSON and 200 levels.
    /// @throws what `work` throws (which is recorded too; what is no `task_error` becomes a `failure` with the code
    /// `exception`); `fatal` `result_too_large` or `result_too_deep`, which is then what is recorded
    [[nodiscard]] virtual task<json::value> step(std::string name, task<json::value> work) = 0;

    /// Waits, deferred, for a time of the calendar; passes at once when it is past. The first call records the time,
    /// and a replay waits for the recorded one, so that it may be computed from `now()`. Follows the wall clock when
    /// that is set, within a minute.
    [[nodiscard]] virtual task<> sleep_until(std::string name, wall_time t) = 0;

    /// The time of the calendar when this was called first: a replay gets the same.
    [[nodiscard]] virtual task<wall_time> now() = 0;

    /// A UUID (RFC 9562, version 8, lower case). Nothing is recorded: it follows from the attempt, the branch and how
    /// many `uuid` and `random` were drawn on it before, and so is the same in every replay that draws as many. In a
    /// loop whose number of rounds depends on the clock it is not. Not a secret.
    [[nodiscard]] virtual task<std::string> uuid() = 0;

    /// A number in [0, 1), evenly spread, the same in every replay as `uuid` is.
    [[nodiscard]] virtual task<double> random() = 0;

    /// Opens a callback under a token that cannot be guessed. The token is durable before this returns, so it may be
    /// given to others; wait for the answer with `completion`.
    /// @param about shown to people who ask what is waited for; recorded with it
    [[nodiscard]] virtual task<open_callback> callback(std::string name, json::value about) = 0;

    [[nodiscard]] task<open_callback> callback(std::string name) { return callback(std::move(name), json::value()); }

    /// Waits, deferred, until `c` is completed, which may have happened before, and yields what was delivered: durable,
    /// so that a replay gets the same. May be asked more than once.
    /// @param silence after so long without a sign of life (a delivery with the state `running`) it is given up; a
    /// restart of the engine begins it anew
    /// @throws failure with message and code when it was completed as failed; with the code `heartbeat_missed` when it
    /// is given up
    [[nodiscard]] virtual task<json::value> completion(open_callback c, duration silence) = 0;

    [[nodiscard]] task<json::value> completion(open_callback c) { return completion(std::move(c), duration::max()); }

    /// While it is deferred, the attempt takes no slot of its pool from now on and does not count in `max_active`: it
    /// only waits. It gets none back; what it does afterwards should be little.
    virtual void release_slot() = 0;

    /// Registers clean-up for when the attempt is stopped: by a person, by its timeout or the run's deadline, or by
    /// `fail_fast`. The handlers run after the operator's coroutine has ended, the one registered last first, all of
    /// them even when one throws, out of reach of the cancellation, and together for at most a minute. An attempt of
    /// which a handler throws, or that needs longer, is marked as unconfirmed; the next start of the engine runs all of
    /// its handlers again, if it has recorded anything to be replayed from: so register a handler right after the step
    /// whose effect it undoes. They do not run when the operator ends by itself,
    /// nor when the engine stops and leaves the work to whoever resumes the run: that one has them registered by the
    /// replay. They take what they need by value, for the operator's variables are gone by then; they may run again
    /// when the engine dies while they run.
    virtual void on_cancel(task<> handler) = 0;

    /// What was recorded last under that name in this attempt, before a restart of the engine too. For drivers such as
    /// `run_remote_job`, which must know whether something was begun.
    [[nodiscard]] virtual std::optional<json::value> recorded(std::string_view name) = 0;

    /// Writes a fact to the journal under this attempt and waits until it is durable. Limits as for a step's result.
    /// @throws fatal `result_too_large`, `result_too_deep`
    [[nodiscard]] virtual task<> record(std::string name, json::value fact) = 0;

    /// As `token`, for the driver that launches the attempt's one remote job and sees to its end, also after a restart
    /// of the engine. An attempt that ends although the journal knows of a launch, and nobody has claimed it, is marked
    /// as unconfirmed.
    /// @throws fatal the second time: one token is one job
    [[nodiscard]] virtual launch_token claim_token() = 0;

    /// Why the attempt was told to stop, also while that is held back until its replay has arrived; `none` if it was
    /// not. For drivers that must not begin anything then.
    [[nodiscard]] virtual cancel_reason stop_requested() const noexcept = 0;

    /// Marks the attempt's cancellation as not confirmed by the remote side: it is never retried by itself, and the
    /// next start of the engine tries again to stop what may still run.
    virtual void mark_unconfirmed(std::string_view why) = 0;

    /// An object that all attempts of the engine share: made by the first that asks for `key`, destroyed with the
    /// engine. For watchers, rate limits, cached credentials. `T` is constructed by `make`, a callable that returns
    /// `unique_ptr<T>`.
    template <class T, class Make>
    [[nodiscard]] T& shared(const std::string& key, Make make)
    {
        std::shared_ptr<void>& slot = shared_slot(std::type_index(typeid(T)), key);
        if (!slot)
            slot = std::shared_ptr<T>(make());
        return *static_cast<T*>(slot.get());
    }

    /// What can be made once from `input()` and the late properties for all attempts of the task: compiled requests,
    /// checked options. Attempts whose `input()` differs (it speaks of the item, or of the attempt) each get one of
    /// their own. Immutable; lives as long as somebody holds it. `make` is a callable that returns `T`, and must not
    /// use `names()`.
    template <class T, class Make>
    [[nodiscard]] std::shared_ptr<const T> shared_by_task(Make make)
    {
        std::shared_ptr<const void>* slot = task_slot(std::type_index(typeid(T)));
        if (!slot)
            return std::make_shared<const T>(make());
        if (!*slot)
            *slot = std::make_shared<const T>(make());
        return std::static_pointer_cast<const T>(*slot);
    }

  protected:
    context() = default;
    ~context() = default;

    virtual void set_deferred(bool deferred) = 0;
    [[nodiscard]] virtual std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) = 0;

    /// Null when the attempt's input is its own.
    [[nodiscard]] virtual std::shared_ptr<const void>* task_slot(std::type_index type) = 0;
};

} // namespace potoo
