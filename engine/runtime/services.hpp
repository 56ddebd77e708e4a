#pragma once
/// @file
/// What runs share within one engine: the ports to the outside, and what attempts keep between them.

#include "engine/runtime/commit_log.hpp"
#include "engine/runtime/pool_book.hpp"
#include "engine/runtime/shared_objects.hpp"
#include "engine/runtime/start_gate.hpp"

#include <potoo/callback.hpp>
#include <potoo/http.hpp>
#include <potoo/loop.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace potoo::runtime {

/// All members outlive the runs.
struct services
{
    potoo::loop& loop;
    http_client& http;
    process_runner& processes;
    commit_log& log;
    const operator_registry& operators;
    std::function<std::uint64_t()> unguessable; ///< numbers for secrets
    shared_objects& shared;
    start_gate& starts;
    pool_book& pools;
    std::string callback_base = callback_path; ///< what stands before the token in a callback's URL
};

} // namespace potoo::runtime
