#include "engine/host/waiting_callback.hpp"

#include "engine/host/host_parts.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/runtime/callback_book.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <tuple>

namespace potoo::host {

using journal::record;
using journal::record_kind;

namespace {

using attempt_key = std::tuple<task_index, item_index, attempt_number>;
using callback_place = std::tuple<task_index, item_index, attempt_number, std::string, std::uint32_t>;

attempt_key attempt_of(const record& r)
{
    return {r.task, r.item, r.attempt};
}

callback_place place_of(const record& r)
{
    return {r.task, r.item, r.attempt, r.branch, r.step};
}

waiting_callback callback_of(const record& opened, const journal::run_row& run, const journal::dag_document& dag)
{
    runtime::opened_callback said = runtime::parse_opened(opened.data);
    return {run.id,
            run.dag_name,
            dag.tasks.at(opened.task.value()),
            opened.item,
            opened.attempt,
            opened.name,
            std::move(said.token),
            std::move(said.about),
            opened.at};
}

} // namespace

std::vector<waiting_callback> waiting_callbacks_of(journal::reader& journal, const journal::run_row& run)
{
    std::map<callback_place, record> open;
    journal.records(run.number, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        if (r.kind == record_kind::callback_opened)
            open.emplace(place_of(r), r);
        if (open.empty())
            return true;
        if (r.kind == record_kind::callback_completed)
            open.erase(place_of(r));
        if (r.kind == record_kind::attempt_ended || r.kind == record_kind::attempt_interrupted)
            std::erase_if(open, [&](const auto& o) { return attempt_of(o.second) == attempt_of(r); });
        if (r.kind == record_kind::run_ended)
            open.clear();
        return true;
    });
    std::vector<waiting_callback> out;
    if (open.empty())
        return out;
    const journal::dag_document dag = journal.dag_of(run.number);
    for (const auto& [place, r] : open)
        out.push_back(callback_of(r, run, dag));
    return out;
}

std::optional<waiting_callback> last_opened(journal::reader& journal, const journal::run_row& run,
                                            const std::string& task, item_index item, std::string_view name)
{
    const journal::dag_document dag = journal.dag_of(run.number);
    std::optional<record> last;
    journal.records(run.number, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        if (r.kind == record_kind::callback_opened && r.name == name && r.item == item &&
            dag.tasks.at(r.task.value()) == task)
            last = r;
        return true;
    });
    return last ? std::optional(callback_of(*last, run, dag)) : std::nullopt;
}

json::object to_json(const waiting_callback& w)
{
    json::object o{{"run", w.run.value()},
                   {"dag", w.dag},
                   {"task", w.task},
                   {"item", w.item.value()},
                   {"attempt", w.attempt.value()},
                   {"opened", format_time(w.opened)}};
    if (const json::object* about = w.about.if_object()) {
        for (const auto& member : *about)
            o[member.key()] = member.value();
    }
    return o;
}

bool may_approve(const waiting_callback& w, std::string_view who)
{
    const json::object* about = w.about.if_object();
    const json::value* approvers = about ? about->if_contains("approvers") : nullptr;
    const json::array* names = approvers ? approvers->if_array() : nullptr;
    if (!names)
        return true;
    return std::any_of(names->begin(), names->end(),
                       [&](const json::value& n) { return n.is_string() && std::string_view(n.get_string()) == who; });
}

json::object approval_answer(bool approved, std::string_view by, std::string_view comment)
{
    json::object o{{"approved", approved}, {"by", json::string(by)}};
    o["comment"] = json::string(comment);
    return o;
}

task<callback_standing> engine_host::look_for_callback(std::string token)
{
    request_result not_there;
    const auto row = find_callback_run(parts_->reading, token, not_there);
    if (!row)
        co_return callback_standing::unknown;
    std::function<callback_standing(journal::reader&, const std::atomic<bool>&)> look =
        [run = row->number, token](journal::reader& journal, const std::atomic<bool>& stop) {
            return standing_of_callback(journal, run, token, &stop);
        };
    const auto standing = co_await parts_->desk.look_long(std::move(look));
    co_return standing;
}

task<request_result> engine_host::hear_of_callback(callback_sign sign)
{
    using kind = request_result::kind;
    using runtime::callback_outcome;
    const run_id id = run_of(sign.token);
    const active_run* r = parts_->find(id);
    if (r && !r->reconciles && r->executor && !r->executor->detached()) {
        switch (r->executor->hear_of_callback(sign.token, sign.fraction, sign.message)) {
        case callback_outcome::heard:
        case callback_outcome::completed:
            co_return request_result{kind::accepted, id, {}, {}, true};
        case callback_outcome::already_completed:
            co_return request_result{kind::ended, id, {}, "it was completed before", true};
        case callback_outcome::attempt_ended:
            co_return request_result{kind::ended, id, {}, "the attempt that waited for it has ended", true};
        case callback_outcome::unknown:
            co_return no_such_callback();
        }
    }
    const auto standing = co_await look_for_callback(sign.token);
    switch (standing) {
    case callback_standing::waits:
        co_return request_result{kind::accepted, id, {}, {}};
    case callback_standing::over:
        co_return request_result{kind::ended, id, {}, "nothing waits for it any more"};
    case callback_standing::unknown:
        break;
    }
    co_return no_such_callback();
}

std::vector<waiting_callback> engine_host::waiting_callbacks() const
{
    std::vector<waiting_callback> out;
    std::set<run_id> carried;
    for (const active_run& r : parts_->runs) {
        if (r.reconciles || !r.executor || r.executor->detached())
            continue;
        carried.insert(r.id);
        r.executor->callbacks().for_each_open([&](const runtime::callback_book::entry& e) {
            out.push_back({r.id, r.dag_name, r.executor->dag()[e.task].name, e.item, e.attempt, e.name, e.token,
                           e.about, e.opened});
        });
    }
    for (const journal::run_row& row : unfinished()) {
        if (carried.contains(row.id))
            continue;
        for (auto& w : waiting_callbacks_of(parts_->reading, row))
            out.push_back(std::move(w));
    }
    return out;
}

void engine_host::callbacks_at(std::string base)
{
    parts_->services.callback_base = std::move(base);
}

} // namespace potoo::host
