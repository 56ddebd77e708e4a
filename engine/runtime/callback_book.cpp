#include "engine/runtime/callback_book.hpp"

#include "engine/runtime/attempt_result.hpp"

#include <functional>
#include <utility>

namespace potoo::runtime {

json::value opened_form(const opened_callback& c)
{
    if (c.about.is_null())
        return json::string(c.token);
    return json::object{{"token", c.token}, {"about", c.about}};
}

opened_callback parse_opened(std::string_view text)
{
    const json::value said = parse_recorded(text);
    if (said.is_string())
        return {std::string(said.get_string()), {}};
    return {std::string(said.at("token").as_string()), said.at("about")};
}

callback_book::place callback_book::place_of(const journal::record& r)
{
    return {r.task.value(), r.item.value(), r.attempt.value(), r.branch, r.step};
}

callback_book::entry& callback_book::open(const journal::record& opened)
{
    const auto [found, added] = entries_.try_emplace(place_of(opened));
    entry& e = found->second;
    if (!added)
        return e;
    e.task = opened.task;
    e.item = opened.item;
    e.attempt = opened.attempt;
    e.branch = opened.branch;
    e.step = opened.step;
    e.name = opened.name;
    opened_callback said = parse_opened(opened.data);
    e.token = std::move(said.token);
    e.about = std::move(said.about);
    e.opened = opened.at;
    by_token_.emplace(e.token, &e);
    return e;
}

bool callback_book::complete(const journal::record& completed, journal::position at)
{
    const auto found = entries_.find(place_of(completed));
    if (found == entries_.end() || found->second.completed.value() != 0)
        return false;
    entry& e = found->second;
    e.success = completed.state == journal::recorded_state::success;
    e.answer = parse_recorded(completed.data);
    e.durable = at;
    e.completed.advance_to(1);
    return true;
}

callback_book::entry* callback_book::find(std::string_view token)
{
    const auto found = by_token_.find(std::string(token));
    return found == by_token_.end() ? nullptr : found->second;
}

void callback_book::forget(task_index t, item_index i, attempt_number n)
{
    if (entries_.empty())
        return;
    const auto belongs = [&](const entry& e) { return e.task == t && e.item == i && e.attempt == n; };
    auto e = entries_.lower_bound({t.value(), i.value(), n.value(), {}, 0});
    while (e != entries_.end() && belongs(e->second)) {
        completed_.emplace(std::hash<std::string_view>()(e->second.token), e->second.completed.value() != 0);
        by_token_.erase(e->second.token);
        e = entries_.erase(e);
    }
}

callback_outcome callback_book::forgotten(std::string_view token) const
{
    const auto found = completed_.find(std::hash<std::string_view>()(token));
    if (found == completed_.end())
        return callback_outcome::unknown;
    return found->second ? callback_outcome::already_completed : callback_outcome::attempt_ended;
}

} // namespace potoo::runtime
