#include <potoo/engine.hpp>

#include "engine/graph/load.hpp"
#include "engine/graph/params.hpp"
#include "engine/host/listener_events.hpp"
#include "engine/host/local_host.hpp"
#include "engine/host/state_config.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/runtime/secret_resolver.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace potoo {

namespace {

using error_kind = engine_error::kind;

host::host_options host_options_of(const engine_options& o)
{
    host::host_options out;
    out.state = o.state;
    out.ephemeral = o.ephemeral;
    out.http = o.http;
    return out;
}

std::unique_ptr<host::local_host> open_host(boost::asio::io_context& context, const engine_options& options)
{
    if (const auto problems = operators().problems(); !problems.empty())
        throw engine_error(error_kind::operators, fmt::format("{}", fmt::join(problems, "\n")));
    try {
        return std::make_unique<host::local_host>(context, host_options_of(options));
    } catch (const journal::store_error& e) {
        throw engine_error(error_kind::state, e.what());
    } catch (const host::config_error& e) {
        throw engine_error(error_kind::state, e.what());
    }
}

/// What `resume` has something to do for.
std::vector<journal::run_row> left_in(const host::engine_host& host)
{
    std::vector<journal::run_row> rows = host.unfinished();
    for (journal::run_row& r : host.unreconciled())
        rows.push_back(std::move(r));
    return rows;
}

run_end end_of(const host::run_outcome& o)
{
    if (o.detached)
        return run_end::detached;
    switch (o.state) {
    case schedule::run_state::success:
        return run_end::success;
    case schedule::run_state::cancelled:
        return run_end::cancelled;
    case schedule::run_state::timed_out:
        return run_end::timed_out;
    default:
        return run_end::failed;
    }
}

run_summary summary_of(const host::run_outcome& o)
{
    using enum schedule::task_state;
    run_summary s;
    s.id = o.id;
    s.end = end_of(o);
    s.elapsed = o.elapsed;
    s.tasks = {o.tasks[success],
               o.tasks[failed],
               o.tasks[timed_out],
               o.tasks[cancelled],
               o.tasks[skipped],
               o.tasks[upstream_failed],
               0};
    const auto& t = s.tasks;
    s.tasks.unfinished =
        o.tasks.total() - (t.success + t.failed + t.timed_out + t.cancelled + t.skipped + t.upstream_failed);
    return s;
}

run_summary never_begun()
{
    run_summary s;
    s.end = run_end::detached;
    return s;
}

json::object complete_params(const graph::dag& d, const json::object& given)
{
    graph::params_result result = graph::check_params(d, given);
    if (result.problems.empty())
        return std::move(result.values);
    std::string text;
    for (const graph::param_problem& p : result.problems) {
        text += text.empty() ? "" : "\n";
        text += p.message + (p.suggestion.empty() ? "" : fmt::format("; did you mean `{}`?", p.suggestion));
    }
    throw engine_error(error_kind::params, text);
}

/// Branches of the runs under way, to be told to stop.
class branch_list
{
  public:
    class entry
    {
      public:
        entry(branch_list& l, branch& b) : list_(l), branch_(&b) { list_.branches_.push_back(&b); }

        entry(const entry&) = delete;
        entry& operator=(const entry&) = delete;

        ~entry() { std::erase(list_.branches_, branch_); }

      private:
        branch_list& list_;
        branch* branch_;
    };

    void cancel_all(cancel_reason reason) noexcept
    {
        for (branch* b : branches_)
            b->cancel(reason);
    }

  private:
    std::vector<branch*> branches_;
};

task<host::run_outcome> begin_run(host::engine_host& host, std::shared_ptr<const graph::dag> d, json::object params,
                                  runtime::run_observer& observer)
{
    try {
        auto outcome = co_await host.run(std::move(d), std::move(params), observer);
        co_return outcome;
    } catch (const runtime::secret_error& e) {
        throw engine_error(error_kind::secret, e.what());
    }
}

task<host::run_outcome> begin_resume(host::engine_host& host, journal::run_row row, runtime::run_observer& observer)
{
    try {
        auto outcome = co_await host.resume(std::move(row), observer);
        co_return outcome;
    } catch (const runtime::secret_error& e) {
        throw engine_error(error_kind::secret, e.what());
    } catch (const std::runtime_error& e) {
        throw engine_error(error_kind::run, e.what());
    }
}

/// On a branch of its own, so that telling it to stop leaves the rest of its caller's work alone.
task<run_summary> stoppable(branch_list& list, task<host::run_outcome> work)
{
    branch& b = co_await this_branch();
    const branch_list::entry listed(list, b);
    // While only the journal's thread is at work the io_context has nothing to do, and must not return.
    const auto running = boost::asio::make_work_guard(b.loop().executor());
    auto outcome = co_await std::move(work);
    co_return summary_of(outcome);
}

task<run_summary> on_own_branch(branch_list& list, task<host::run_outcome> work)
{
    std::vector<task<run_summary>> one;
    one.push_back(stoppable(list, std::move(work)));
    auto summaries = co_await all(std::move(one));
    co_return summaries.front();
}

} // namespace

struct engine::parts
{
    parts(boost::asio::io_context& context, const engine_options& options)
        : local(open_host(context, options)), host(local->engine()), unfinished(left_in(host))
    {}

    branch_list runs; // Outlives the host, whose end destroys coroutines that are on it.
    bool stopped = false;
    std::unique_ptr<host::local_host> local;
    host::engine_host& host;
    std::vector<journal::run_row> unfinished; ///< found in the journal, and not resumed yet
};

std::string_view to_string(run_end e) noexcept
{
    constexpr std::array<std::string_view, 5> names{"success", "failed", "cancelled", "timed_out", "detached"};
    return names[static_cast<std::size_t>(e)];
}

std::string_view to_string(run_event::kind k) noexcept
{
    constexpr std::array<std::string_view, 10> names{
        "run_started",      "attempt_started", "attempt_deferred", "attempt_continued",
        "attempt_progress", "attempt_ended",   "task_ended",       "log",
        "warning",          "run_ended"};
    return names[static_cast<std::size_t>(k)];
}

const std::string& loaded_dag::name() const noexcept
{
    return dag_->name;
}

std::size_t loaded_dag::task_count() const noexcept
{
    return dag_->tasks.size();
}

engine::engine(boost::asio::io_context& context, const engine_options& options)
    : parts_(std::make_unique<parts>(context, options))
{}

engine::~engine()
{
    parts_->host.close();
}

potoo::loop& engine::loop() noexcept
{
    return parts_->host.loop();
}

void engine::load_plugin(const std::filesystem::path& file)
{
    try {
        host::load_plugin(file);
    } catch (const std::runtime_error& e) {
        throw engine_error(error_kind::plugin, e.what());
    }
}

load_report engine::load_text(std::string text, const std::string& name)
{
    return load_relative_to({}, std::move(text), name);
}

load_report engine::load_file(const std::filesystem::path& file)
{
    std::ifstream stream;
    errno = 0;
    std::error_code is_directory_ec;
    if (!std::filesystem::is_directory(file, is_directory_ec))
        stream.open(file, std::ios::binary);
    else
        errno = EISDIR;
    if (!stream.is_open())
        return {std::nullopt, fmt::format("{}: error: the file cannot be opened: {}\n", file.native(),
                                          std::generic_category().message(errno))};
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (stream.bad())
        return {std::nullopt, fmt::format("{}: error: the file cannot be read\n", file.native())};
    return load_relative_to(file.parent_path(), std::move(text), file.native());
}

load_report engine::load_relative_to(const std::filesystem::path& directory, std::string text, const std::string& name)
{
    load_report report;
    for (const std::string& plugin : graph::plugins_of(text, name)) {
        try {
            host::load_plugin(directory / plugin);
        } catch (const std::runtime_error& e) {
            report.problems += fmt::format("{}: error: {}\n", name, e.what());
        }
    }
    if (!report.problems.empty())
        return report;
    const graph::load_result loaded = graph::load_dag(
        std::move(text), name, operators(), {.secrets = host::names_of_secrets(parts_->host.shared()->spec())});
    if (loaded.value)
        report.dag = loaded_dag(loaded.value);
    else
        report.problems = graph::format_diagnostics(loaded);
    return report;
}

task<run_summary> engine::run(loaded_dag d, json::object params, run_listener listener)
{
    // Everything below runs while the io_context does: when its last work ends at another time, it stops.
    co_await yield_now();
    if (parts_->stopped)
        co_return never_begun();
    json::object complete = complete_params(*d.dag_, params);
    host::listener_events observer(std::move(listener));
    auto work = begin_run(parts_->host, d.dag_, std::move(complete), observer);
    auto summary = co_await on_own_branch(parts_->runs, std::move(work));
    co_return summary;
}

std::vector<run_id> engine::unfinished() const
{
    std::vector<run_id> ids;
    for (const journal::run_row& row : parts_->unfinished)
        ids.push_back(row.id);
    return ids;
}

task<run_summary> engine::resume(run_id id, run_listener listener)
{
    co_await yield_now();
    if (parts_->stopped)
        co_return never_begun();
    auto& rows = parts_->unfinished;
    const auto place = std::find_if(rows.begin(), rows.end(), [&id](const journal::run_row& r) { return r.id == id; });
    if (place == rows.end())
        throw engine_error(error_kind::run, fmt::format("there is no unfinished run `{}` to go on with", id.value()));
    journal::run_row row = std::move(*place);
    rows.erase(place);
    host::listener_events observer(std::move(listener));
    auto work = begin_resume(parts_->host, std::move(row), observer);
    auto summary = co_await on_own_branch(parts_->runs, std::move(work));
    co_return summary;
}

std::size_t engine::cancel(const std::optional<run_id>& id)
{
    return parts_->host.cancel(id, cancel_reason::user);
}

void engine::stop()
{
    parts_->stopped = true;
    parts_->runs.cancel_all(cancel_reason::shutdown);
    // Those that were told to stop for another reason before do not hear this one.
    parts_->host.detach_all();
}

} // namespace potoo
