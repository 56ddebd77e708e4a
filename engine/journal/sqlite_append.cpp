#include "engine/journal/sqlite_append.hpp"

#include "engine/journal/checksum.hpp"
#include "engine/journal/damage.hpp"
#include "engine/journal/sqlite_columns.hpp"
#include "engine/journal/sqlite_schema.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

namespace potoo::journal {

record_seq last_record_of(sqlite_connection& connection)
{
    const auto last = connection.integer(
        "SELECT max(coalesce((SELECT max(seq) FROM journal), 0), (SELECT seq FROM highest_removed))");
    // Nobody appends so much that the numbers come to an end.
    if (constexpr auto most = std::int64_t{1} << 62; last < 0 || last > most)
        refuse_damaged(connection.file(), fmt::format("its last record has the number {}", last));
    return record_seq(static_cast<std::uint64_t>(last));
}

void record_appender::append(const record& r)
{
    const auto seq = next_++;
    const auto [entry, is_new] = entered_.try_emplace(r.run, seq / extent_size);
    if (is_new || std::exchange(entry->second, seq / extent_size) != seq / extent_size)
        insert_extent_.bind(1, r.run.value()).bind(2, static_cast<std::int64_t>(seq / extent_size)).run();
    insert_.bind(1, static_cast<std::int64_t>(seq)).bind(2, r.run.value()).bind(3, static_cast<std::int64_t>(r.kind));
    bind_or_null(insert_, 4, static_cast<std::int64_t>(r.state), 0);
    bind_or_null(insert_, 5, r.task.value(), no_task.value());
    bind_or_null(insert_, 6, r.item.value(), no_item.value());
    bind_or_null(insert_, 7, r.attempt.value(), 0);
    bind_or_null(insert_, 8, r.step, 0);
    bind_or_null(insert_, 9, r.number, 0);
    insert_.bind(10, to_integer(r.at)).bind(11, static_cast<std::int64_t>(r.epoch));
    bind_or_null(insert_, 12, r.branch);
    bind_or_null(insert_, 13, r.name);
    bind_or_null(insert_, 14, r.data);
    insert_.bind(15, checksum_of(record_seq(seq), r));
    insert_.run();
}

void unconfirmed_list::apply(const record& r)
{
    if (r.kind != record_kind::remote_unconfirmed && r.kind != record_kind::remote_confirmed)
        return;
    auto& change = r.kind == record_kind::remote_unconfirmed ? insert_ : remove_;
    change.bind(1, r.run.value()).bind(2, r.task.value()).bind(3, r.item.value()).bind(4, r.attempt.value());
    change.bind(5, r.name);
    if (r.kind == record_kind::remote_unconfirmed)
        change.bind(6, r.data);
    change.run();
}

namespace {

/// FNV-1a over the names, each with its end. DAGs that a program made have no source to tell them apart.
std::uint64_t hash_of(const std::vector<std::string>& names) noexcept
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3U; };
    for (const auto& name : names) {
        for (const char c : name)
            add(static_cast<unsigned char>(c));
        add(0);
    }
    return hash;
}

} // namespace

std::int64_t run_creator::dag_number(const dag_document& dag)
{
    const auto hash = fmt::format("{:016x}", dag.hash);
    const auto tasks_hash = fmt::format("{:016x}", hash_of(dag.tasks));
    auto find = connection_.prepare("SELECT dag FROM dag WHERE hash = ?1 AND tasks_hash = ?2 AND name = ?3 "
                                    "AND source_name = ?4 AND source = ?5");
    find.bind(1, hash).bind(2, tasks_hash).bind(3, dag.name).bind(4, dag.source_name).bind(5, dag.source);
    if (find.step())
        return find.integer(0);
    auto insert = connection_.prepare("INSERT INTO dag (hash, tasks_hash, name, source_name, source, checksum) "
                                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    insert.bind(6, checksum_of(dag));
    insert.bind(1, hash).bind(2, tasks_hash).bind(3, dag.name).bind(4, dag.source_name).bind(5, dag.source).run();
    const auto number = connection_.integer("SELECT last_insert_rowid()");
    auto name = connection_.prepare("INSERT INTO dag_task VALUES (?1, ?2, ?3)");
    name.bind(1, number);
    for (std::size_t i = 0; i < dag.tasks.size(); ++i)
        name.bind(2, static_cast<std::int64_t>(i)).bind(3, dag.tasks[i]).run();
    return number;
}

void run_creator::create(const new_run& run)
{
    auto insert = connection_.prepare("INSERT INTO run (run, id, dag, params, state, owner, epoch, created, "
                                      "checksum, origin) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    insert.bind(1, run.number.value()).bind(2, run.id.value()).bind(3, dag_number(*run.dag)).bind(4, run.params);
    insert.bind(5, static_cast<std::int64_t>(recorded_state::queued)).bind(6, run.owner);
    insert.bind(7, static_cast<std::int64_t>(run.epoch)).bind(8, to_integer(run.created));
    insert.bind(9, checksum_of(run.number, run.id, run.params, run.created, run.origin));
    bind_or_null(insert, 10, run.origin);
    insert.run();
}

} // namespace potoo::journal
