#include "engine/server/tasks/callback_service.hpp"

#include "engine/host/journal_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::server {

using host::request_result;
using host::waiting_callback;

namespace {

using refusal = task_refused::kind;

bool is_approval(const waiting_callback& w)
{
    return w.name == host::approval_name;
}

bool names_approvers(const waiting_callback& w)
{
    const json::object* about = w.about.if_object();
    return about && about->contains("approvers");
}

bool may_decide(const principal& who, const waiting_callback& w, bool owns)
{
    if (names_approvers(w))
        return host::may_approve(w, who.name);
    return who.is_admin() || (owns && who.may == role::user);
}

bool sees_run(journal::reader& journal, const principal& who, const run_id& run)
{
    request_result problem;
    const auto row = host::run_named(journal, run.value(), problem);
    return row ? who.sees(runtime::parse_run_origin(row->origin)) : who.is_admin();
}

task_refused refused(const waiting_callback& w)
{
    std::string text = "whoever begins or administers the run may answer it";
    if (names_approvers(w)) {
        std::vector<std::string> names;
        for (const json::value& n : w.about.at("approvers").as_array())
            names.emplace_back(n.as_string());
        text = fmt::format("it is for {} to answer", fmt::join(names, ", "));
    }
    return {refusal::forbidden, fmt::format("the approval `{}` of run {}: {}", w.task, w.run.value(), text)};
}

} // namespace

json::object approval_document(const waiting_callback& w)
{
    return host::to_json(w);
}

task<request_result> callback_service::deliver(std::string token, callback_message m)
{
    using state_kind = callback_message::state_kind;
    if (m.state == state_kind::running) {
        host::callback_sign sign{std::move(token), m.fraction, std::move(m.message)};
        auto heard = co_await engine_.hear_of_callback(std::move(sign));
        co_return heard;
    }
    const bool success = m.state == state_kind::success;
    host::callback_delivery delivered{std::move(token), success,
                                      success ? json::serialize(m.output) : json::serialize(m.error)};
    auto answer = co_await engine_.complete_on_request(std::move(delivered));
    co_return answer;
}

std::vector<waiting_callback> callback_service::approvals(const principal& who) const
{
    std::vector<waiting_callback> out = engine_.waiting_callbacks();
    std::erase_if(out, [&](const waiting_callback& w) {
        const bool is_named = names_approvers(w) && host::may_approve(w, who.name);
        return !is_approval(w) || !(is_named || sees_run(journal_, who, w.run));
    });
    return out;
}

std::optional<waiting_callback> callback_service::find(const approval_decision& d) const
{
    for (waiting_callback& w : engine_.waiting_callbacks()) {
        if (is_approval(w) && w.run.value() == d.run && w.task == d.task && w.item == d.item)
            return std::move(w);
    }
    request_result problem;
    const auto row = host::run_named(journal_, d.run, problem);
    if (!row || row->id.value() != d.run)
        return std::nullopt;
    return host::last_opened(journal_, *row, d.task, d.item, host::approval_name);
}

task<request_result> callback_service::decide(principal who, approval_decision d)
{
    const auto asked = find(d);
    const bool owns = asked && sees_run(journal_, who, asked->run);
    const bool is_named = asked && names_approvers(*asked) && host::may_approve(*asked, who.name);
    if (!owns && !is_named)
        throw task_refused(refusal::unknown, fmt::format("no approval waits in the task {} of run {}", d.task, d.run));
    if (!may_decide(who, *asked, owns))
        throw refused(*asked);
    const json::object answer = host::approval_answer(d.approved, who.shown(), d.comment);
    host::callback_delivery delivered{asked->token, true, json::serialize(answer)};
    auto result = co_await engine_.complete_on_request(std::move(delivered));
    co_return result;
}

} // namespace potoo::server
