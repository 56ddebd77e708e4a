#include "engine/cli/run_request.hpp"

#include "engine/cli/state_request.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"

#include <chrono>
#include <utility>

namespace potoo::cli {

namespace {

constexpr std::chrono::seconds time_to_answer{60};

} // namespace

host::request_result ask_of_run(const std::string& state, const run_id& run, const json::object& request,
                                const request_note& note)
{
    const state_access access(state, request, time_to_answer);
    if (access.answer())
        return host::result_of_answer(*access.answer());
    host::request_result problem;
    // It may have ended while the engine left.
    const auto now = host::run_named(access.journal(), run.value(), problem);
    if (!now)
        return problem;
    const auto at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    host::journal_request noted = note(access.journal(), *now, at);
    journal::batch records;
    records.records = std::move(noted.records);
    if (!records.empty())
        access.journal().append(records);
    return noted.result;
}

void check_request(const host::request_result& r)
{
    using kind = host::request_result::kind;
    if (r.what != kind::accepted && r.what != kind::repeated)
        throw usage_error(r.text);
}

} // namespace potoo::cli
