#include "engine/cli/run_session.hpp"

#include "engine/cli/display/json_events.hpp"
#include "engine/cli/display/live_display.hpp"
#include "engine/cli/display/plain_display.hpp"
#include "engine/cli/display/summary.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/shell_word.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <chrono>

#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr std::chrono::milliseconds tick_interval{100};

} // namespace

/// One run on its way: its coroutine, and who watches it.
class run_session::carried_run final : public execution
{
  public:
    carried_run(run_session& session, std::string_view name, bool resumed)
        : execution(session.host_.loop(), session.host_.loop().intern(name)), session_(session),
          watch_(*session.display_, [&session](const std::string& why) { session.output_lost(why); }), resumed_(resumed)
    {}

    [[nodiscard]] run_watch& watch() noexcept { return watch_; }

    [[nodiscard]] bool resumed() const noexcept { return resumed_; }

    void start(task<host::run_outcome> t)
    {
        task_.emplace(std::move(t));
        task_access<host::run_outcome>::start(*task_, *this);
    }

    /// What became of it. @throws what the coroutine threw
    [[nodiscard]] host::run_outcome outcome() { return task_access<host::run_outcome>::result(*task_).take(); }

  private:
    void on_end() noexcept override { session_.one_ended(); }

    run_session& session_;
    run_watch watch_;
    bool resumed_;
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
    : options_(std::move(options)), local_(context_, {options_.state, options_.ephemeral, {}}), host_(local_.engine()),
      data_(STDOUT_FILENO), messages_(STDERR_FILENO), display_(make_display())
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

void run_session::add(std::string name, bool resumed,
                      std::function<task<host::run_outcome>(runtime::run_observer&)> start)
{
    runs_.push_back(std::make_unique<carried_run>(*this, name, resumed));
    ++open_;
    // On the loop, like everything else that touches runs.
    boost::asio::post(context_,
                      [run = runs_.back().get(), start = std::move(start)] { run->start(start(run->watch())); });
}

void run_session::run(std::shared_ptr<const graph::dag> d, json::object params)
{
    const std::string name = d->name;
    add(name, false, [this, d = std::move(d), params = std::move(params)](runtime::run_observer& o) {
        return host_.run(d, params, o);
    });
}

void run_session::resume(journal::run_row row)
{
    const std::string name = row.dag_name;
    add(name, true, [this, row = std::move(row)](runtime::run_observer& o) { return host_.resume(row, o); });
}

void run_session::stop(const std::string& why)
{
    if (std::exchange(stopping_, true))
        return;
    if (!options_.json && !why.empty()) {
        const char* what = options_.cancel_on_stop ? "cancelling the run and the remote jobs it started"
                                                   : "stopping; local processes end, remote jobs are left running";
        try {
            display_->notice(fmt::format("{}: {} (once more ends at once)\n", why, what));
        } catch (const std::exception& e) {
            output_lost(e.what());
        }
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

void run_session::one_ended()
{
    if (--open_ == 0)
        context_.stop();
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

exit_code run_session::conclude()
{
    exit_code worst = output_result_;
    for (const auto& r : runs_) {
        try {
            const host::run_outcome outcome = r->outcome();
            worst = worse_of(worst, outcome.detached ? exit_code::interrupted : exit_code_of(outcome.state));
        } catch (const cancelled&) {
            worst = worse_of(worst, exit_code::interrupted);
        } catch (...) {
            const exit_code code = report_current_exception();
            // What else stops a resumed run from going on is that its DAG cannot be loaded any more.
            worst = worse_of(worst, r->resumed() && code == exit_code::failed ? exit_code::usage : code);
        }
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
    return worst;
}

std::string run_session::command(std::string_view verb, const run_id& id) const
{
    std::string out = fmt::format("potoo {} {}", verb, id.value());
    if (options_.state != ".potoo")
        out += " --state " + shell_word(options_.state.string());
    if (verb == "resume")
        for (const std::string& p : options_.plugins)
            out += " --plugin " + shell_word(p);
    return out;
}

} // namespace potoo::cli
