#include "engine/cli/run_session.hpp"

#include "engine/cli/display/json_events.hpp"
#include "engine/cli/display/live_display.hpp"
#include "engine/cli/display/plain_display.hpp"
#include "engine/cli/display/summary.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"

#include <potoo/asio.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::milliseconds housekeeping_time{2'000};

} // namespace

/// One run on its way: its coroutine, and who watches it.
class run_session::carried_run final : public execution
{
  public:
    /// @param name of the DAG
    /// @param resumed id of a run that goes on; empty for a new one
    carried_run(run_session& session, const std::string& name, run_role role, const run_id& resumed)
        : execution(session.host_.loop(), session.host_.loop().intern(name)), session_(session), name_(name),
          watch_(
              *session.display_, [&session](const std::string& why) { session.output_lost(why); },
              role == run_role::reconciled && !session.options_.json
                  ? fmt::format("run {} of {}", resumed.value(), name)
                  : std::string()),
          role_(role), resumed_(resumed)
    {}

    [[nodiscard]] run_watch& watch() noexcept { return watch_; }

    [[nodiscard]] const run_watch& watch() const noexcept { return watch_; }

    [[nodiscard]] run_role role() const noexcept { return role_; }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] bool has_ended() const noexcept { return ended_; }

    void start(task<host::run_outcome> t)
    {
        task_.emplace(std::move(t));
        task_access<host::run_outcome>::start(*task_, *this);
    }

    /// It has ended. What stopped a run from going on is said at once, other problems by `report`.
    void conclude()
    {
        ended_ = true;
        try {
            const host::run_outcome outcome = task_access<host::run_outcome>::result(*task_).take();
            result_ = outcome.detached ? exit_code::interrupted : exit_code_of(outcome.state);
            return;
        } catch (const cancelled&) {
            return;
        } catch (const journal::store_error&) {
            problem_ = std::current_exception();
        } catch (const std::exception& e) {
            if (resumed_.value().empty()) {
                problem_ = std::current_exception();
                return;
            }
            // A secret is missing, or its DAG does not load any more.
            result_ = exit_code::usage;
            session_.say(fmt::format("run {} of {} cannot go on, and is left as it is: {}\n", resumed_.value(), name_,
                                     e.what()));
        }
    }

    [[nodiscard]] exit_code report()
    {
        try {
            if (problem_)
                std::rethrow_exception(problem_);
        } catch (...) {
            result_ = report_current_exception();
        }
        return result_;
    }

  private:
    void on_end() noexcept override { session_.one_ended(*this); }

    run_session& session_;
    std::string name_;
    run_watch watch_;
    run_role role_;
    run_id resumed_;
    bool ended_ = false;
    exit_code result_ = exit_code::interrupted;
    std::exception_ptr problem_;
    std::optional<task<host::run_outcome>> task_;
};

class run_session::ticker final : private timer_node
{
  public:
    explicit ticker(run_session& session) : session_(session) { arm(); }

    ~ticker()
    {
        if (armed())
            session_.host_.loop().disarm(*this);
    }

  private:
    void on_due() override
    {
        session_.tick();
        arm();
    }

    void arm() { session_.host_.loop().arm(*this, session_.host_.loop().now() + tick_interval); }

    run_session& session_;
};

run_session::run_session(session_options options)
    : options_(std::move(options)), local_(context_, {options_.state, options_.ephemeral, {}, {{}, options_.limits}}),
      host_(local_.engine()), data_(STDOUT_FILENO), messages_(STDERR_FILENO), display_(make_display())
{
    signals_.emplace(context_, live_ ? live_display::restore_sequence : nullptr,
                     [this](int signal) { stop(signal_name(signal)); });
}

run_session::~run_session() = default;

std::unique_ptr<display> run_session::make_display()
{
    if (options_.json)
        return std::make_unique<json_events>(data_, [this] { return host_.loop().wall_now(); });
    const terminal_traits traits = describe_terminal(STDERR_FILENO);
    live_ = traits.is_terminal;
    if (live_)
        return std::make_unique<live_display>(messages_, traits, [] { return window_of(STDERR_FILENO); });
    return std::make_unique<plain_display>(messages_);
}

void run_session::add(std::unique_ptr<carried_run> run,
                      std::function<task<host::run_outcome>(runtime::run_observer&)> start)
{
    runs_.push_back(std::move(run));
    ++open_;
    // On the loop, like everything else that touches runs.
    boost::asio::post(context_,
                      [run = runs_.back().get(), start = std::move(start)] { run->start(start(run->watch())); });
}

void run_session::run(std::shared_ptr<const graph::dag> d, json::object params)
{
    auto run = std::make_unique<carried_run>(*this, d->name, run_role::asked, run_id());
    add(std::move(run), [this, d = std::move(d), params = std::move(params)](runtime::run_observer& o) mutable {
        return host_.run(d, std::move(params), o);
    });
}

void run_session::resume(journal::run_row row, run_role role)
{
    auto run = std::make_unique<carried_run>(*this, row.dag_name, role, row.id);
    add(std::move(run), [this, row = std::move(row)](runtime::run_observer& o) { return host_.resume(row, o); });
}

void run_session::say(const std::string& lines)
{
    if (options_.json)
        return report_text(lines);
    try {
        display_->notice(lines);
    } catch (const std::exception& e) {
        output_lost(e.what());
    }
}

void run_session::stop(const std::string& why)
{
    if (std::exchange(stopping_, true))
        return;
    if (!options_.json && !why.empty()) {
        const char* what = options_.cancel_on_stop ? "cancelling the run and the remote jobs it started"
                                                   : "stopping; local processes end, remote jobs are left running";
        say(fmt::format("{}: {} (once more ends at once)\n", why, what));
    }
    for (const auto& r : runs_)
        r->cancel(options_.cancel_on_stop ? cancel_reason::user : cancel_reason::shutdown);
}

void run_session::output_lost(const std::string& why)
{
    if (!why.empty()) {
        output_result_ = exit_code::failed;
        report_error(why);
    }
    // Not from within an observer's call.
    boost::asio::post(context_, [this] { stop({}); });
}

void run_session::one_ended(carried_run& run)
{
    run.conclude();
    if (--open_ == 0)
        return context_.stop();
    const bool asked_left = std::any_of(runs_.begin(), runs_.end(),
                                        [](const auto& r) { return r->role() == run_role::asked && !r->has_ended(); });
    if (run.role() == run_role::asked && !asked_left && !stopping_)
        say(fmt::format("{}: has ended; {} before {} still going on (Ctrl-C leaves {} for potoo resume)\n", run.name(),
                        open_ == 1 ? "a run from" : fmt::format("{} runs from", open_), open_ == 1 ? "is" : "are",
                        open_ == 1 ? "it" : "them"));
}

void run_session::tick()
{
    try {
        display_->tick();
    } catch (const output_closed&) {
        output_lost({});
    } catch (const std::system_error& e) {
        output_lost(e.what());
    }
}

exit_code run_session::wait()
{
    if (runs_.empty())
        return exit_code::success;
    ticker_ = std::make_unique<ticker>(*this);
    const auto work = boost::asio::make_work_guard(context_);
    context_.run();
    ticker_.reset();
    return conclude();
}

/// Old runs are still being removed: not so that anybody would wait for it long.
void run_session::wait_for_housekeeping()
{
    context_.restart();
    async_run(host_.loop(), "housekeeping", host_.collected(), [this](const std::exception_ptr&) { context_.stop(); });
    context_.run_for(housekeeping_time);
}

exit_code run_session::conclude()
{
    wait_for_housekeeping();
    exit_code worst = output_result_;
    for (const auto& r : runs_) {
        const exit_code code = r->report();
        if (r->role() == run_role::asked)
            worst = worse_of(worst, code);
        const auto& report = r->watch().report();
        if (!report || (options_.json && !report->detached))
            continue;
        next_commands next;
        if (!options_.ephemeral) {
            next.logs = command("logs", report->id);
            next.resume = command("resume", report->id);
        }
        report_text(summary_text(*report, next));
    }
    if (const std::size_t lost = host_.close(); lost > 0) {
        report_error(fmt::format("{} entries of the journal could not be written to {}; what they tell is lost, and "
                                 "`potoo resume` does it again",
                                 lost, options_.state.string()));
        worst = exit_code::unreachable;
    }
    for (const auto& r : runs_)
        tell_unconfirmed(*r);
    return worst;
}

/// Those of a run that had ended before are told of by who asked for it.
void run_session::tell_unconfirmed(const carried_run& r)
{
    const auto& report = r.watch().report();
    if (!report || r.role() == run_role::reconciled)
        return;
    const std::size_t jobs = host_.unconfirmed(report->id);
    if (jobs > 0)
        report_text(unconfirmed_text(jobs, fmt::format("run {} of {}", report->id.value(), report->dag_name),
                                     options_.ephemeral ? std::string() : report->id.value(), options_.state.string()));
}

std::string run_session::command(std::string_view verb, const run_id& id) const
{
    std::string out = next_command(verb, id.value(), options_.state.string());
    if (verb == "resume")
        for (const std::string& p : options_.plugins)
            out += " --plugin " + shell_word(p);
    return out;
}

} // namespace potoo::cli
