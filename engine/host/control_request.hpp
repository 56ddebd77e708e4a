#pragma once
/// @file
/// What other processes say to an engine through its control socket, as JSON.
///
/// | request | answer |
/// |---|---|
/// | `{"verb":"ping"}` | `{"result":"accepted"}`, once all that was recorded before can be read |
/// | `{"verb":"cancel","run":ID,"tasks":[NAME…]}` | of `request_result` |
/// | `{"verb":"pause","run":ID}`, `{"verb":"unpause","run":ID}` | of `request_result` |
/// | `{"verb":"retry","run":ID,"tasks":[NAME…],"downstream":B,"failed_only":B}` | of `request_result` |
/// | `{"verb":"remove","run":ID}` | of `request_result` |
/// | `{"verb":"pool","name":NAME,"slots":N}` | of `request_result` |
/// | `{"verb":"pool_reset","name":NAME}` | of `request_result` |
/// | `{"verb":"complete","token":TOKEN,"state":"success" or "failed","data":JSON text}` | of `request_result` |
/// | `{"verb":"why","run":ID,"task":NAME,"item":N}` | `{"result":"accepted","why":{…}}`; no `why`: not carried |
/// | `{"verb":"pools"}` | `{"result":"accepted","pools":[…]}` |
/// | `{"verb":"gc","keep_runs":N,"keep_for":"30d"}` | `{"result":"accepted","runs":N,"records":N,"logs":N}` |
///
/// What cannot be done just now is answered by `{"result":"failed","text":…}`. `why` is of `explanation_json`, `pools`
/// of `pools_json`.

#include "engine/host/host.hpp"
#include "engine/host/request_result.hpp"

#include <potoo/json.hpp>
#include <potoo/task.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::host {

[[nodiscard]] json::object ping_request();
[[nodiscard]] json::object cancel_request(const run_id& run, const std::vector<std::string>& tasks);
[[nodiscard]] json::object pause_request(const run_id& run, bool paused);
[[nodiscard]] json::object retry_request(const run_id& run, const retry_wish& wish);
[[nodiscard]] json::object remove_request(const run_id& run);
[[nodiscard]] json::object pool_request(const std::string& name, std::uint32_t slots);
[[nodiscard]] json::object pool_reset_request(const std::string& name);
[[nodiscard]] json::object complete_request(const callback_delivery& delivered);

/// @param item nothing = the task as a whole
[[nodiscard]] json::object why_request(const run_id& run, const std::string& task, std::optional<item_index> item);
[[nodiscard]] json::object pools_request();
[[nodiscard]] json::object collect_request(const journal::retention& rules);

/// Carries out the request in `line`. Whatever is wrong with it is in the answer.
[[nodiscard]] task<std::string> carry_out_request(engine_host& engine, std::string line);

/// The engine could not do it, or what it says makes no sense.
class bad_answer : public std::runtime_error
{
  public:
    explicit bad_answer(const std::string& text) : std::runtime_error(text) {}
};

/// Reads an answer. @throws bad_answer
[[nodiscard]] request_result result_of_answer(const std::string& line);
[[nodiscard]] journal::pruned collected_by_answer(const std::string& line);
[[nodiscard]] json::array pools_of_answer(const std::string& line);

/// @return nothing when the engine does not carry the run
[[nodiscard]] std::optional<json::object> why_of_answer(const std::string& line);

} // namespace potoo::host
