#pragma once
/// @file
/// What a running attempt may do and know. The engine makes one context per attempt; it outlives the operator's
/// coroutine.

#include <potoo/asio.hpp>
#include <potoo/blocking.hpp>
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

    /// The names that late properties may use: put those that only the operator knows in a layer above it.
    [[nodiscard]] virtual const bindings& names() const noexcept = 0;

    [[nodiscard]] virtual const run_id& run() const noexcept = 0;
    [[nodiscard]] virtual std::string_view task_name() const noexcept = 0;
    [[nodiscard]] virtual item_index item() const noexcept = 0;
    [[nodiscard]] virtual attempt_number attempt() const noexcept = 0;

    /// The name to launch a remote job under: the same whenever this attempt is replayed.
    [[nodiscard]] virtual const launch_token& token() const noexcept = 0;

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

    /// A random number in [0, 1), for jitter and the like. Not recorded.
    [[nodiscard]] virtual double random() noexcept = 0;

    /// Does `work` once: its result is in the journal before this returns, and after a restart of the engine the
    /// recorded result is returned instead. Names must come in the same order in every replay.
    /// @throws what `work` throws (which is recorded too); `fatal` when a replay finds another name recorded here
    [[nodiscard]] virtual task<json::value> step(std::string name, task<json::value> work) = 0;

    /// What was recorded last under that name in this attempt, before a restart of the engine too. For drivers such as
    /// `run_remote_job`, which must know whether something was begun.
    [[nodiscard]] virtual std::optional<json::value> recorded(std::string_view name) const = 0;

    /// Writes a fact to the journal under this attempt and waits until it is durable.
    [[nodiscard]] virtual task<> record(std::string name, json::value fact) = 0;

    /// Marks the attempt's cancellation as not confirmed by the remote side.
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

  protected:
    context() = default;
    ~context() = default;

    virtual void set_deferred(bool deferred) = 0;
    [[nodiscard]] virtual std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) = 0;
};

} // namespace potoo
