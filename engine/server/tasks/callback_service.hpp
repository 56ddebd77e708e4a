#pragma once
/// @file
/// What comes from outside to attempts that wait for it: deliveries to callbacks, and people's answers to approvals.

#include "engine/host/host.hpp"
#include "engine/host/waiting_callback.hpp"
#include "engine/journal/store.hpp"
#include "engine/server/access/principal.hpp"
#include "engine/server/tasks/callback_message.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>

#include <optional>
#include <string>
#include <vector>

namespace potoo::server {

/// A person's answer.
struct approval_decision
{
    std::string run;
    std::string task;
    item_index item;
    bool approved = true;
    std::string comment;
};

class callback_service
{
  public:
    /// Both outlive it. @param journal for the loop's thread
    callback_service(host::engine_host& engine, journal::reader& journal) : engine_(engine), journal_(journal) {}

    /// Whoever has the token may. What ends the wait is durable when this returns; a sign of life is not recorded.
    /// `repeated` = the same was delivered before; `conflict` = something else was; `ended` = nobody waits any more.
    /// @throws journal::store_error; fatal when the output is larger than one may be
    [[nodiscard]] task<host::request_result> deliver(std::string token, callback_message m);

    /// The approvals that wait and that `who` may see: those of its runs, and those that name it.
    [[nodiscard]] std::vector<host::waiting_callback> approvals(const principal& who) const;

    /// Answers one. Where it names `approvers`, only these may; otherwise who may change the run.
    /// The same answer again is `repeated`, another one a `conflict`.
    /// @throws task_refused (`forbidden`; `unknown` when nothing waits there, or did); as `deliver`
    [[nodiscard]] task<host::request_result> decide(principal who, approval_decision d);

  private:
    /// What is to be answered, or was.
    [[nodiscard]] std::optional<host::waiting_callback> find(const approval_decision& d) const;

    host::engine_host& engine_;
    journal::reader& journal_;
};

/// `run`, `dag`, `task`, `item`, `attempt`, `message`, `approvers`, `opened`. Not the token.
[[nodiscard]] json::object approval_document(const host::waiting_callback& w);

} // namespace potoo::server
