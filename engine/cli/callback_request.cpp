#include "engine/cli/callback_request.hpp"

#include "engine/cli/state_request.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/journal_requests.hpp"

#include <chrono>

namespace potoo::cli {

using host::request_result;

namespace {

constexpr std::chrono::seconds time_to_answer{60};

} // namespace

request_result deliver_callback(const host::callback_delivery& delivered, const std::string& state)
{
    const state_access access(state, host::complete_request(delivered), time_to_answer);
    if (access.answer())
        return host::result_of_answer(*access.answer());
    request_result problem;
    const auto run = host::find_callback_run(access.journal(), delivered.token, problem);
    if (!run)
        return problem;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    host::journal_request request = host::request_completion(access.journal(), *run, delivered, now);
    journal::batch records;
    records.records = std::move(request.records);
    if (!records.empty())
        access.journal().append(records);
    return request.result;
}

} // namespace potoo::cli
