#include "rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::sql {
namespace {

/// The second column called `id` is `id_2`.
std::string unique_name(const std::vector<std::string>& taken, const std::string& wanted)
{
    std::string name = wanted;
    for (int n = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++n)
        name = fmt::format("{}_{}", wanted, n);
    return name;
}

} // namespace

void kept_rows::columns(std::span<const postgres::column> c)
{
    for (const auto& [name, type] : c) {
        names_.push_back(unique_name(names_, name));
        types_.push_back(type);
        bytes_ += names_.back().size() + 8;
    }
}

postgres::row_sink::wish kept_rows::enough() noexcept
{
    truncated_ = true;
    return may_cancel_ ? wish::cancel_rest : wish::drop_rest;
}

postgres::row_sink::wish kept_rows::row(std::span<const postgres::cell> cells)
{
    if (rows_.size() >= max_rows_)
        return enough();
    std::size_t raw = 0;
    for (const postgres::cell& c : cells)
        raw += c ? c->size() : 0;
    too_large_ = raw > most_bytes;
    if (too_large_)
        return enough();
    json::object o;
    for (std::size_t i = 0; i < cells.size(); ++i)
        o.emplace(names_[i], postgres::to_json(types_[i], cells[i]));
    const std::size_t size = json::serialize(o).size() + 1;
    too_large_ = bytes_ + size > most_bytes;
    if (too_large_)
        return enough();
    bytes_ += size;
    rows_.push_back(std::move(o));
    return wish::more;
}

json::object kept_rows::output(const postgres::completion& end)
{
    json::array columns;
    for (const std::string& name : names_)
        columns.emplace_back(json::string(name));
    json::object o;
    o["row_count"] = rows_.size();
    o["rows"] = std::move(rows_);
    o["columns"] = std::move(columns);
    o["rows_affected"] = end.rows_affected ? json::value(*end.rows_affected) : json::value(nullptr);
    const std::size_t word = end.command.find_first_of("0123456789");
    std::string command = end.cut ? "SELECT" : end.command.substr(0, word);
    while (command.ends_with(' '))
        command.pop_back();
    o["command"] = command;
    o["truncated"] = truncated_;
    return o;
}

} // namespace potoo::sql
