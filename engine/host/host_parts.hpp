#pragma once
/// @file
/// What an engine is made of: its journal, the runs it carries, and what they share.

#include "engine/host/host.hpp"
#include "engine/host/journal_desk.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/runtime/commit_log.hpp"
#include "engine/runtime/services.hpp"
#include "engine/runtime/shared_objects.hpp"
#include "engine/runtime/store_ledger.hpp"

#include <potoo/wait.hpp>

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace potoo::host {

/// A run of this engine, from when it was asked for until its coroutine has ended.
struct active_run
{
    run_id id;
    std::string dag_name;
    runtime::run_observer* observer = nullptr;
    bool reconciles = false;                   ///< it has ended, and only its remote jobs are looked after
    runtime::run_executor* executor = nullptr; ///< null until its secrets are there
    cancel_reason stop = cancel_reason::none;
    bool replayed = false;                                        ///< it belongs to a replay: `overlap` is not about it
    std::unique_ptr<counter> stops = std::make_unique<counter>(); ///< told to, while it has no executor
};

/// A run that requests can be given to. One that is being let go of records nothing more.
[[nodiscard]] inline bool takes_requests(const active_run* r)
{
    return r && !r->reconciles && !(r->executor && r->executor->detached());
}

/// What is asked of a run, wherever it is.
struct engine_host::run_ask
{
    /// Called with a run that takes requests and has an executor.
    /// @return nothing when it has come to take none any more
    std::function<task<std::optional<request_result>>(run_id)> carried;
    /// Of one that neither has an executor yet nor is in the journal; empty = it is refused, for a moment.
    std::function<request_result(active_run&)> young{};
    /// What stands against it before the journal is looked at; may be empty.
    std::function<std::optional<request_result>(const journal::run_row&)> refuse{};
    /// Called on any thread.
    std::function<journal_request(journal::reader&, const journal::run_row&, wall_time now)> uncarried{};
};

struct engine_host::parts final : runtime::commit_log::listener
{
    explicit parts(const host_ports& p)
        : loop(p.loop), reading(p.reader), desk(p.reader, p.open_reader), entropy(p.entropy),
          log(p.loop, p.store, p.writing), starts(p.loop, p.memory, [this](const std::string& text) { warn(text); }),
          services{p.loop, p.http, p.processes, log, operators(), p.unguessable, shared, starts, pools},
          processes(p.processes)
    {
        log.set_listener(this);
        restore_pools();
    }

    ~parts() override
    {
        *self = nullptr;
        log.set_listener(nullptr);
        loop.abandon_executions();
    }

    void durable(journal::position p) override
    {
        for (const active_run& r : runs) {
            if (r.executor)
                r.executor->durable(p);
        }
        for (const auto& hook : durable_hooks)
            hook();
    }

    void write_failed(const journal::store_error& why) override
    {
        if (why.passing()) {
            warn(std::string("the journal cannot be written, nothing new is started: ") + why.what());
            return;
        }
        // It will not heal: waiting for it would be waiting for ever.
        broken = why;
        ledger.fail(why);
        for (const active_run& r : runs) {
            if (r.executor)
                r.executor->detach();
        }
    }

    void write_recovered() override { warn("the journal can be written again"); }

    [[nodiscard]] active_run* find(const run_id& id)
    {
        const auto found = std::find_if(runs.begin(), runs.end(), [&](const active_run& r) { return r.id == id; });
        return found == runs.end() ? nullptr : &*found;
    }

    /// Removes old runs by the rules that hold, if there are any.
    void collect();

    /// What `resize_pool` said to engines before.
    void restore_pools();

    void warn(std::string_view text)
    {
        for (const active_run& r : runs)
            r.observer->warning(text);
    }

    potoo::loop& loop;
    journal::reader& reading;
    journal_desk desk; ///< for all that reads whole runs
    std::mt19937_64& entropy;
    std::optional<journal::store_error> broken; ///< why the journal cannot be written any more
    runtime::commit_log log;
    runtime::store_ledger ledger{log, reading};
    std::list<std::function<void()>> durable_hooks;
    std::function<bool(journal::run_row)> carry_hook; ///< may be empty
    std::vector<std::function<void(std::string_view, std::uint32_t)>> resize_hooks;
    runtime::shared_objects shared;
    runtime::start_gate starts;
    runtime::pool_book pools;
    runtime::services services;
    process_runner& processes;
    std::shared_ptr<runtime::outside_source> outside =
        std::make_shared<runtime::outside_source>(graph::outside_spec(), processes);
    std::list<active_run> runs;
    std::set<run_id> made; ///< ids that no run has yet
    counter runs_left;     ///< of those that were in `runs`
    /// Held by who adds requests to the journal of a run that is not carried, and by who begins to carry one: the
    /// requests recorded before are what it begins with.
    semaphore uncarried{1};
    journal::retention rules;
    bool collecting = false;
    bool collect_again = false;                                    ///< a run has ended meanwhile
    counter collections;                                           ///< that have ended
    std::shared_ptr<parts*> self = std::make_shared<parts*>(this); ///< for messages on their way; null when it is gone
};

} // namespace potoo::host
