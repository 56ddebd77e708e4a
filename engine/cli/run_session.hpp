#pragma once
/// @file
/// Runs going on in the foreground: an engine, a display, and what signals do to them.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/exit_code.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/run_watch.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/host/local_host.hpp"

#include <potoo/execution.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::cli {

struct session_options
{
    std::filesystem::path state = ".potoo";
    bool ephemeral = false;
    bool json = false;                ///< events on standard output instead of a display
    bool cancel_on_stop = false;      ///< the first signal cancels the runs instead of detaching from them
    runtime::start_limits limits;     ///< given on the command line
    std::vector<std::string> plugins; ///< given on the command line, to be told with the command that resumes
};

/// Why a session carries a run.
enum class run_role
{
    asked,      ///< the session is for it: its end decides the exit code
    beside,     ///< it was stopped before, and the session goes on with it as well
    reconciled, ///< it has ended, and remote jobs of it may run still
};

class run_session
{
  public:
    /// @throws journal::store_error
    explicit run_session(session_options options);
    ~run_session();

    /// @param params complete and checked
    void run(std::shared_ptr<const graph::dag> d, json::object params);

    /// One that cannot go on is reported and left as it is.
    void resume(journal::run_row row, run_role role);

    /// Runs that have not ended.
    [[nodiscard]] std::vector<journal::run_row> unfinished() const { return host_.unfinished(); }

    /// Runs that have ended and left remote jobs behind whose end nobody confirmed.
    [[nodiscard]] std::vector<journal::run_row> unreconciled() const { return host_.unreconciled(); }

    /// Until all have ended or the engine has let go of them; then says how.
    [[nodiscard]] exit_code wait();

  private:
    class carried_run;
    class ticker;

    [[nodiscard]] std::unique_ptr<display> make_display();
    void add(std::unique_ptr<carried_run> run, std::function<task<host::run_outcome>(runtime::run_observer&)> start);
    void stop(const std::string& why);
    void one_ended(carried_run& run);
    void say(const std::string& lines);
    void wait_for_housekeeping();
    void tick();
    void output_lost(const std::string& why);
    [[nodiscard]] exit_code conclude();
    void tell_unconfirmed(const carried_run& r);
    [[nodiscard]] std::string command(std::string_view verb, const run_id& id) const;

    session_options options_;
    boost::asio::io_context context_{1};
    host::local_host local_;
    host::engine_host& host_;
    file_output data_;
    file_output messages_;
    bool live_ = false;
    std::unique_ptr<display> display_;
    std::vector<std::unique_ptr<carried_run>> runs_;
    std::unique_ptr<ticker> ticker_;
    std::optional<stop_signals> signals_;
    std::size_t open_ = 0;
    bool stopping_ = false;
    exit_code output_result_ = exit_code::success;
};

} // namespace potoo::cli
