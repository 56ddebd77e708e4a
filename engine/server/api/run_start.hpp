#pragma once
/// @file
/// Runs that begin because somebody asks, once for each key.

#include "engine/server/api/call.hpp"

#include <potoo/task.hpp>

#include <string>
#include <string_view>

namespace potoo::server {

struct run_beginning
{
    host::run_request wish;
    json::value given; ///< what was sent: under one key it is always the same
    std::string key;   ///< of whoever asks; empty = each request is a run of its own
};

/// `id` of the body, or the field `Idempotency-Key`. @throws problem (400) when both are given and differ
[[nodiscard]] std::string idempotency_key(const call& c);

/// For operations that would do their work once more. @param instead what to do without a key, one sentence
/// @throws problem (400) when the request has the field `Idempotency-Key`
void refuse_idempotency_key(const call& c, std::string_view instead);

/// 201 with the run, or 200 when it was begun before. @throws problem (422) when the key was used for something else
[[nodiscard]] task<web::reply> begin_run(call& c, run_beginning b);

/// Removes the keys of runs that are not in the journal any more. @return how many
[[nodiscard]] task<std::size_t> forget_run_keys(api_services services, wall_time now);

} // namespace potoo::server
