#include "engine/runtime/pool_book.hpp"

#include <algorithm>
#include <utility>

namespace potoo::runtime {

void pool_book::pool::look_at_declarations()
{
    declared = 0;
    for (const auto& [who, h] : holdings)
        declared = declared == 0 ? h.declared : std::min(declared, h.declared);
}

std::uint32_t pool_book::pool::free() const
{
    const std::uint32_t most = slots();
    return most - std::min(most, used);
}

void pool_book::pool::set_used(holding& h, std::uint32_t now)
{
    used = used - h.used + now;
    h.used = now;
}

/// Whoever is first asks again, if there is something for it.
void pool_book::pool::offer(const client* but) const
{
    if (free() > 0 && !line.empty() && line.front() != but)
        line.front()->may_have_slots();
}

void pool_book::join(client& c, const std::vector<graph::pool_spec>& pools)
{
    for (const graph::pool_spec& spec : pools) {
        pool& p = pools_[spec.name];
        p.name = spec.name;
        p.holdings.insert_or_assign(&c, holding{spec.slots, 0});
        p.look_at_declarations();
        c.pools_.push_back(&p);
    }
}

void pool_book::leave(client& c)
{
    for (pool* p : std::exchange(c.pools_, {})) {
        p->set_used(p->holdings.at(&c), 0);
        p->holdings.erase(&c);
        p->look_at_declarations();
        std::erase(p->line, &c);
        p->offer();
        if (p->holdings.empty() && !p->set)
            pools_.erase(pools_.find(p->name));
    }
}

std::uint32_t pool_book::lease(client& c, pool_index pool, std::uint32_t used)
{
    auto& p = *c.pools_.at(pool.value());
    holding& h = p.holdings.at(&c);
    p.set_used(h, used);
    const auto place = std::find(p.line.begin(), p.line.end(), &c);
    const std::size_t others = p.line.size() - (place == p.line.end() ? 0 : 1);
    if (others == 0)
        return p.free();
    if (place != p.line.begin()) {
        p.offer();
        return 0;
    }
    // Rounded up: while there is a slot free, one of those who wait has less than its share.
    const auto all = static_cast<std::uint32_t>(others) + 1;
    const std::uint32_t share = p.slots() / all + (p.slots() % all != 0 ? 1 : 0);
    return std::min(p.free(), share - std::min(share, h.used));
}

void pool_book::note(client& c, pool_index pool, std::uint32_t used, bool wants_more)
{
    auto& p = *c.pools_.at(pool.value());
    p.set_used(p.holdings.at(&c), used);
    const auto place = std::find(p.line.begin(), p.line.end(), &c);
    const bool in_line = place != p.line.end();
    if (in_line && (!wants_more || (place == p.line.begin() && p.free() > 0)))
        p.line.erase(place);
    if (wants_more && std::find(p.line.begin(), p.line.end(), &c) == p.line.end())
        p.line.push_back(&c);
    p.offer(&c);
}

void pool_book::resize(const std::string& name, std::uint32_t slots)
{
    pool& p = pools_[name];
    p.name = name;
    p.set = slots;
    p.offer();
}

void pool_book::reset(const std::string& name)
{
    const auto found = pools_.find(name);
    if (found == pools_.end())
        return;
    found->second.set.reset();
    if (found->second.holdings.empty())
        pools_.erase(found);
    else
        found->second.offer();
}

pool_book::usage pool_book::usage_of(const pool& p)
{
    usage u{p.name, p.slots(), p.declared, p.set.has_value(), p.used, {}, p.line.size()};
    for (const auto& [who, h] : p.holdings) {
        if (h.used > 0)
            u.by.emplace_back(who, h.used);
    }
    return u;
}

std::vector<pool_book::usage> pool_book::all() const
{
    std::vector<usage> out;
    for (const auto& [name, p] : pools_)
        out.push_back(usage_of(p));
    return out;
}

pool_book::usage pool_book::of(const client& c, pool_index pool) const
{
    return usage_of(*c.pools_.at(pool.value()));
}

} // namespace potoo::runtime
