#pragma once
/// @file
/// What is posted to a callback's URL.

#include "engine/server/tasks/task_request.hpp"

#include <potoo/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace potoo::server {

struct callback_message
{
    enum class state_kind : std::uint8_t
    {
        success,
        failed,
        running, ///< a sign of life
    };

    state_kind state = state_kind::success;
    json::value output;               ///< of a success
    json::object error;               ///< of a failure: `message`, perhaps `code`, and whatever else was said
    std::optional<double> fraction{}; ///< of the progress, 0…1
    std::string message;              ///< of the progress
};

/// The members `state` (`success`, `failed` or `running`), `output`, `error` (a text, or an object) and `progress` (a
/// number in 0…1, or an object of `fraction`, or `n` and `of`, and `message`).
/// @throws task_refused (`invalid`) naming each member that is wrong
[[nodiscard]] callback_message parse_callback_message(const json::value& body);

} // namespace potoo::server
