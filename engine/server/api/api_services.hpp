#pragma once
/// @file
/// What the API is the face of.

#include "engine/host/host.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/ledger.hpp"
#include "engine/server/access/audit_trail.hpp"
#include "engine/server/access/token_book.hpp"
#include "engine/server/runs/run_carrier.hpp"

#include <functional>
#include <memory>

namespace potoo::server {

class callback_service;
class dag_catalog;
class event_feed;
class metrics;
class replays;
class schedule_keeper;
class task_service;

/// All of it outlives the API. What is null is not served: its routes answer 501.
struct api_services
{
    host::engine_host& engine;
    journal::reader& journal; ///< for the loop's thread
    runtime::ledger& ledger;
    run_carrier& runs;
    token_book& tokens;
    audit_trail& audit;
    /// Opens further readers of the same journal, for reads that take longer than the loop may be held up. Called on
    /// any thread; empty = there are none, and `journal` is asked instead.
    std::function<std::unique_ptr<journal::reader>()> open_reader{};
    dag_catalog* dags = nullptr;
    event_feed* events = nullptr;
    schedule_keeper* schedules = nullptr;
    replays* repeats = nullptr;
    task_service* tasks = nullptr;
    callback_service* callbacks = nullptr;
    metrics* measured = nullptr;
};

} // namespace potoo::server
