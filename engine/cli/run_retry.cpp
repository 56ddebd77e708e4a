#include "engine/cli/run_retry.hpp"

#include "engine/cli/error_report.hpp"
#include "engine/cli/request_outcome.hpp"
#include "engine/cli/run_continuation.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/host/control_request.hpp"

#include <potoo/json.hpp>

#include <fmt/format.h>

namespace potoo::cli {

exit_code retry_in(const std::string& state, const std::string& named, const host::retry_wish& wish, bool as_json)
{
    const auto journal = open_journal(state);
    const journal::run_row run = find_run(*journal, named, state);
    const journal::dag_document dag = journal->dag_of(run.number);
    for (const std::string& t : wish.tasks)
        static_cast<void>(find_task(dag, t));
    const host::request_result r =
        ask_of_run(state, run.id, host::retry_request(run.id, wish),
                   [&](journal::reader& written, const journal::run_row& row, wall_time now) {
                       load_plugins_of(written, row, {});
                       return host::request_retry(written, row, wish, now);
                   });
    check_request(r);
    const std::string& id = run.id.value();
    const bool repeated = r.what == host::request_result::kind::repeated;
    if (as_json)
        print_json(json::object{{"run", id}, {"result", repeated ? "repeated" : "accepted"}, {"carried", r.carried}});
    else if (repeated)
        report_text(fmt::format("run {}: {}; nothing has changed.\n", id, repeated_text(r)));
    else if (r.carried)
        report_text(fmt::format("run {} goes on. How it goes: {}\n", id, next_command("status -w", id, state)));
    else
        report_text(fmt::format("run {} will go on: that is recorded. No engine is at work on it: {}\n", id,
                                next_command("resume", id, state)));
    return exit_code::success;
}

} // namespace potoo::cli
