#pragma once
/// @file
/// The engine in a program of one's own: on an io_context that the program has anyway, beside whatever else runs there.
///
/// @code
/// boost::asio::io_context context(1);
/// potoo::engine engine(context, {.ephemeral = true});
/// potoo::load_report loaded = engine.load_file("dag.yaml");
/// if (!loaded.dag)
///     throw std::runtime_error(loaded.problems);
/// potoo::async_run_dag(engine, *loaded.dag, {{"cohort", "a"}}, [&](std::exception_ptr error, potoo::run_summary
/// summary) {
///     …
/// });
/// context.run();
/// @endcode
///
/// Operators are the built-in ones, those that the program's own files register with `POTOO_OPERATOR`, and those of
/// plugins. Link `potoo::engine`; for plugins also set the program's `ENABLE_EXPORTS`, since they call into it.

#include <potoo/asio.hpp>
#include <potoo/http.hpp>
#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo {

namespace graph {
struct dag;
} // namespace graph

struct engine_options
{
    /// Directory of the journal, made when it is not there. Other processes reach the engine through it: while the
    /// io_context runs, `potoo cancel` and the like work on its runs.
    std::filesystem::path state = ".potoo";
    bool ephemeral = false; ///< keep no journal: nothing can be resumed, `state` is not used
    http_options http{};
};

/// The engine, or a run, cannot be started. Its text says what is wrong and what to do.
class engine_error : public std::runtime_error
{
  public:
    enum class kind : std::uint8_t
    {
        operators, ///< an operator could not be registered: its name is taken, or its schema is broken
        state,  ///< the state directory is used by another engine, of a newer version, damaged, cannot be written, or
                ///< its `config.yaml` is wrong
        plugin, ///< a plugin does not fit this program
        params, ///< a parameter is missing, unknown, or of the wrong type
        secret, ///< a secret of the DAG cannot be had
        run,    ///< there is no such unfinished run, or its DAG cannot be read any more
    };

    engine_error(kind k, const std::string& message) : std::runtime_error(message), kind_(k) {}

    [[nodiscard]] kind what_kind() const noexcept { return kind_; }

  private:
    kind kind_;
};

/// A DAG that was read and found in order. Cheap to copy; can be run any number of times, by any engine of the process.
class loaded_dag
{
  public:
    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] std::size_t task_count() const noexcept;

  private:
    friend class engine;

    explicit loaded_dag(std::shared_ptr<const graph::dag> d) noexcept : dag_(std::move(d)) {}

    std::shared_ptr<const graph::dag> dag_;
};

struct load_report
{
    std::optional<loaded_dag> dag; ///< nothing exactly when there are problems
    std::string problems; ///< all of them, `file:line:column: error: …` with the place shown; ends with a newline
};

enum class run_end : std::uint8_t
{
    success,
    failed,    ///< a task without `allow_failure` did not succeed
    cancelled, ///< somebody asked for it
    timed_out, ///< the DAG's `deadline` passed
    detached,  ///< the engine was told to stop: remote jobs go on, and `resume` goes on with the run
};

/// `success`, `failed`, … as in the enumeration.
[[nodiscard]] std::string_view to_string(run_end e) noexcept;

/// How many tasks ended how. A detached run also has tasks that have not ended.
struct task_counts
{
    std::uint32_t success = 0;
    std::uint32_t failed = 0;
    std::uint32_t timed_out = 0;
    std::uint32_t cancelled = 0;
    std::uint32_t skipped = 0;
    std::uint32_t upstream_failed = 0;
    std::uint32_t unfinished = 0;
};

/// What became of a run. It is in the journal by the time this is delivered.
struct run_summary
{
    run_id id;
    run_end end = run_end::failed;
    task_counts tasks;
    duration elapsed{0};

    [[nodiscard]] bool succeeded() const noexcept { return end == run_end::success; }
};

/// Something that happened in a run. Views and pointers are valid during the call only.
struct run_event
{
    enum class kind : std::uint8_t
    {
        run_started,
        attempt_started,
        attempt_deferred,  ///< it waits for something remote
        attempt_continued, ///< it does not any more
        attempt_progress,  ///< `fraction` and `text`
        attempt_ended,     ///< `state`, and `output` or `text`
        task_ended,        ///< all items of the task: `state`
        log,               ///< `text`: output of the attempt, in pieces
        warning,           ///< `text`: the journal cannot be written, the loop was blocked
        run_ended,         ///< `state`; nothing follows
    };

    kind what = kind::run_started;
    std::string_view run;
    std::string_view task;               ///< of attempt and task events
    item_index item;                     ///< of attempt events
    attempt_number attempt;              ///< of `attempt_started`, `attempt_ended` and `log`
    std::string_view state;              ///< as the command line shows it: `success`, `failed`, `timed_out`, …
    std::string_view text;               ///< of `attempt_ended`: the error's message
    double fraction = 0;                 ///< 0…1
    const json::value* output = nullptr; ///< of an attempt that succeeded
    bool will_retry = false;             ///< another attempt follows
};

/// The word for it: `run_started`, `attempt_started`, …
[[nodiscard]] std::string_view to_string(run_event::kind k) noexcept;

/// Called on the loop, in order. May call `engine::cancel`. What it throws ends the program.
using run_listener = std::function<void(const run_event&)>;

/// All members are called on the thread that runs the io_context, or while none does.
class engine
{
  public:
    /// Opens the journal. `context` must outlive the engine and be run by one thread at a time.
    /// @throws engine_error of kind `state` or `operators`
    explicit engine(boost::asio::io_context& context, const engine_options& options = {});

    /// Every run must have ended first: `stop()` and let the io_context run until it has no more work. Runs that have
    /// not are broken off where they are, as if the program had been killed; their completion handlers are not called.
    ~engine();

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// The loop of this engine on the program's io_context: for `async_run` and `as_awaitable` with tasks of one's own.
    [[nodiscard]] potoo::loop& loop() noexcept;

    /// Brings the operators of a plugin into the process, for good. @throws engine_error of kind `plugin`
    void load_plugin(const std::filesystem::path& file);

    /// Reads a DAG, YAML or JSON. The plugins it names are loaded first, relative to the current directory. Reads no
    /// file, but for plugins.
    /// @param name for messages; its stem is the DAG's name when the text gives none, its ending tells JSON from YAML
    [[nodiscard]] load_report load_text(std::string text, const std::string& name = "dag.yaml");

    /// The same from a file; its plugins are relative to its directory. Reads it at once, which blocks the loop for
    /// that long.
    [[nodiscard]] load_report load_file(const std::filesystem::path& file);

    /// Runs a DAG to its end, and until that end is in the journal. Stopping the task cancels the run and still waits
    /// for its end, which is then the result; a task that is stopped before it began throws `cancelled`. The io_context
    /// has work for as long.
    /// @param params values of the DAG's parameters; defaults are filled in
    /// @param listener may be empty
    /// @throws engine_error of kind `params` or `secret`, before anything has started
    [[nodiscard]] task<run_summary> run(loaded_dag d, json::object params = {}, run_listener listener = {});

    /// Runs of the state directory that had not ended when this engine opened it, and that `resume` was not asked for
    /// yet; after them those that had ended but left remote jobs behind whose end nobody confirmed.
    [[nodiscard]] std::vector<run_id> unfinished() const;

    /// Goes on with one of them. What succeeded is not done again; of a run that had ended only its remote jobs are
    /// seen to. @throws engine_error of kind `run` or `secret`
    [[nodiscard]] task<run_summary> resume(run_id id, run_listener listener = {});

    /// Asks a run to stop, all of this engine's runs without an id. They end `cancelled` once their remote jobs are
    /// gone.
    /// @return how many were asked
    std::size_t cancel(const std::optional<run_id>& id = std::nullopt);

    /// Lets go of all runs: local processes are ended, remote jobs are left alone, and each run ends `detached`, to be
    /// resumed by the next engine on this state directory. A run that is begun later ends like that at once, without
    /// having begun.
    void stop();

  private:
    struct parts;

    [[nodiscard]] load_report load_relative_to(const std::filesystem::path& directory, std::string text,
                                               const std::string& name);

    std::unique_ptr<parts> parts_;
};

namespace detail {

struct summary_or_nothing
{
    auto operator()(std::exception_ptr error, std::optional<run_summary> summary) const
    {
        return boost::asio::deferred.values(error, summary ? std::move(*summary) : run_summary());
    }
};

} // namespace detail

/// `engine::run` as an Asio operation, for any completion token: a callback, `use_awaitable`, `use_future`, …. Its
/// signature is `void(std::exception_ptr, run_summary)`. An Asio cancellation cancels the run and still waits for its
/// end; before the run began it comes out as `operation_aborted`.
template <class Token>
auto async_run_dag(engine& e, loaded_dag d, json::object params, run_listener listener, Token&& token)
{
    return async_run(e.loop(), "run", e.run(std::move(d), std::move(params), std::move(listener)),
                     boost::asio::deferred(detail::summary_or_nothing()))(std::forward<Token>(token));
}

template <class Token>
auto async_run_dag(engine& e, loaded_dag d, json::object params, Token&& token)
{
    return async_run_dag(e, std::move(d), std::move(params), run_listener(), std::forward<Token>(token));
}

} // namespace potoo
