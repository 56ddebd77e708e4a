#include "engine/journal/sqlite_view.hpp"

#include "engine/journal/attempt_fold.hpp"
#include "engine/journal/checksum.hpp"
#include "engine/journal/damage.hpp"
#include "engine/journal/sqlite_columns.hpp"
#include "engine/journal/sqlite_entries.hpp"
#include "engine/journal/sqlite_schema.hpp"
#include "engine/journal/task_fold.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace potoo::journal {

namespace {

std::optional<wall_time> optional_time(const sqlite_statement& row, int column)
{
    return row.is_null(column) ? std::nullopt : std::optional(to_time(row.integer(column)));
}

/// A number from a file, which may be damaged or made by hand, as an enumerator.
template <class Enum>
Enum to_enum(std::int64_t value, std::int64_t first, std::int64_t last, const char* column,
             const std::filesystem::path& file)
{
    if (value < first || value > last)
        refuse_damaged(file, fmt::format("{} is not a {}", value, column));
    return static_cast<Enum>(value);
}

/// 0 when it is none: then its checksum is wrong too.
std::uint64_t parse_hash(const std::string& text) noexcept
{
    std::uint64_t hash = 0;
    std::from_chars(text.data(), text.data() + text.size(), hash, 16);
    return hash;
}

recorded_state to_state(const sqlite_statement& row, int column, const std::filesystem::path& file)
{
    return to_enum<recorded_state>(row.integer(column), 0, recorded_state_count - 1, "state", file);
}

constexpr std::string_view select_runs =
    "SELECT r.run, r.id, d.name, r.params, r.state, r.owner, r.epoch, r.created, r.started, r.ended, r.checksum, "
    "r.origin "
    "FROM run r JOIN dag d ON d.dag = r.dag ";

constexpr std::string_view record_columns =
    "SELECT j.seq, j.kind, j.state, j.task, j.item, j.attempt, j.step, j.number, j.at, j.epoch, j.branch, j.name, "
    "j.data, j.checksum, j.run ";

/// Without texts: only whether there are any.
constexpr std::string_view item_columns =
    "SELECT j.seq, j.kind, j.state, j.item, j.attempt, j.number, j.at, j.name IS NOT NULL, j.data IS NOT NULL ";

/// The records of run ?1 from ?2 on; ?3 is `extent_size`.
constexpr std::string_view of_run =
    "FROM journal_extent e CROSS JOIN journal j "
    "ON j.seq BETWEEN max(e.extent * ?3, ?2) AND e.extent * ?3 + ?3 - 1 AND j.run = e.run "
    "WHERE e.run = ?1 AND e.extent >= ?2 / ?3 ";

constexpr std::string_view in_order = "ORDER BY e.extent, j.seq";

/// Sorts behind every text that begins with the prefix.
std::string behind(const std::string& prefix)
{
    return prefix + '\xff';
}

std::string conditions_of(const run_filter& filter)
{
    std::string sql;
    if (!filter.id_prefix.empty())
        sql += " AND r.id >= ?1 AND r.id < ?5";
    if (filter.unfinished)
        sql += " AND r.ended IS NULL";
    if (filter.unreconciled)
        sql += " AND r.ended IS NOT NULL AND r.run IN (SELECT run FROM unconfirmed_remote)";
    if (filter.state)
        sql += fmt::format(" AND r.state = {}", static_cast<int>(*filter.state));
    if (filter.created_after)
        sql += fmt::format(" AND r.created >= {}", to_integer(*filter.created_after));
    if (filter.created_before)
        sql += fmt::format(" AND r.created < {}", to_integer(*filter.created_before));
    if (!filter.origin_by.empty())
        sql += " AND iif(json_valid(r.origin), r.origin ->> 'by', NULL) = ?6";
    if (!filter.origin_key.empty())
        sql += " AND iif(json_valid(r.origin), r.origin ->> 'key', NULL) = ?7";
    if (!filter.origin_who.empty())
        sql += " AND iif(json_valid(r.origin), r.origin ->> 'who', NULL) = ?8";
    return sql;
}

record read_record(const sqlite_statement& row, run_number run, const std::filesystem::path& file)
{
    record r;
    r.run = run;
    r.kind = to_enum<record_kind>(row.integer(1), 1, record_kinds.size(), "kind of record", file);
    r.state = to_state(row, 2, file);
    r.task = row.is_null(3) ? no_task : task_index(to_u32(row.integer(3)));
    r.item = row.is_null(4) ? no_item : item_index(to_u32(row.integer(4)));
    r.attempt = attempt_number(to_u32(row.integer(5)));
    r.step = to_u32(row.integer(6));
    r.number = row.integer(7);
    r.at = to_time(row.integer(8));
    r.epoch = static_cast<std::uint64_t>(row.integer(9));
    r.branch = row.text(10);
    r.name = row.text(11);
    r.data = row.text(12);
    return r;
}

record_seq seq_of(const sqlite_statement& row)
{
    return record_seq(static_cast<std::uint64_t>(row.integer(0)));
}

constexpr std::uint64_t largest_seq = std::numeric_limits<std::int64_t>::max();

task_row read_task(const sqlite_statement& row, const std::filesystem::path& file)
{
    task_row task;
    task.name = row.text(0);
    task.task = task_index(to_u32(row.integer(1)));
    task.state = to_state(row, 2, file);
    task.items = to_u32(row.integer(3));
    int column = first_count_column;
    for (const auto state : counted_states)
        task.counts[static_cast<std::size_t>(state)] = to_u32(row.integer(column++));
    task.attempts = to_u32(row.integer(column++));
    task.started = optional_time(row, column++);
    task.ended = optional_time(row, column++);
    task.output = row.text(column++);
    task.error = row.text(column);
    return task;
}

} // namespace

/// A column of the run's row. @throws store_error `not_found`
std::int64_t sqlite_view::check(run_number run, const char* column)
{
    auto query = connection_.prepare(fmt::format("SELECT {} FROM run WHERE run = ?1", column));
    if (!query.bind(1, run.value()).step())
        throw store_error(store_error_kind::not_found,
                          fmt::format("there is no run number {} in '{}'", run.value(), connection_.file().string()));
    return query.integer(0);
}

std::vector<run_row> sqlite_view::read_runs(sqlite_statement& query)
{
    std::vector<run_row> result;
    while (query.step()) {
        run_row row{run_number(to_u32(query.integer(0))),
                    run_id(query.text(1)),
                    query.text(2),
                    query.text(3),
                    to_state(query, 4, connection_.file()),
                    query.text(5),
                    static_cast<std::uint64_t>(query.integer(6)),
                    to_time(query.integer(7)),
                    optional_time(query, 8),
                    optional_time(query, 9),
                    query.text(11)};
        if (!query.is_null(10) &&
            query.integer(10) != checksum_of(row.number, row.id, row.params, row.created, row.origin))
            refuse_damaged(connection_.file(), fmt::format("run {} (number {}) is not as it was written",
                                                           row.id.value(), row.number.value()));
        result.push_back(std::move(row));
    }
    return result;
}

std::vector<run_row> sqlite_view::runs(const run_filter& filter)
{
    // The plus keeps SQLite from looking at run after run where the index of the ids leads to the few that are meant.
    const char* const number = filter.id_prefix.empty() ? "r.run" : "+r.run";
    auto query =
        connection_.prepare(fmt::format("{}WHERE (?2 = '' OR d.name = ?2) AND {} < ?3{} ORDER BY {} DESC LIMIT ?4",
                                        select_runs, number, conditions_of(filter), number));
    const auto upper = behind(filter.id_prefix);
    if (!filter.id_prefix.empty())
        query.bind(1, filter.id_prefix).bind(5, upper);
    if (!filter.origin_by.empty())
        query.bind(6, filter.origin_by);
    if (!filter.origin_key.empty())
        query.bind(7, filter.origin_key);
    if (!filter.origin_who.empty())
        query.bind(8, filter.origin_who);
    query.bind(2, filter.dag_name);
    query.bind(3, filter.before ? std::int64_t(filter.before->value()) : std::numeric_limits<std::int64_t>::max());
    query.bind(4, filter.limit == 0 ? std::int64_t(-1) : static_cast<std::int64_t>(filter.limit));
    return read_runs(query);
}

std::vector<unconfirmed_remote> sqlite_view::unconfirmed(std::optional<run_number> run)
{
    if (run)
        check(*run, "run");
    auto query = connection_.prepare("SELECT run, task, item, attempt, token, why FROM unconfirmed_remote "
                                     "WHERE ?1 IS NULL OR run = ?1 ORDER BY run, task, item, attempt, token");
    if (run)
        query.bind(1, run->value());
    std::vector<unconfirmed_remote> result;
    while (query.step())
        result.push_back({run_number(to_u32(query.integer(0))), task_index(to_u32(query.integer(1))),
                          item_index(to_u32(query.integer(2))), attempt_number(to_u32(query.integer(3))), query.text(4),
                          query.text(5)});
    return result;
}

std::vector<run_row> sqlite_view::prunable(const retention& keep, wall_time now)
{
    if (keep.only) {
        auto query =
            connection_.prepare(std::string(select_runs) + "WHERE r.run = ?1 AND r.ended IS NOT NULL "
                                                           "AND r.run NOT IN (SELECT run FROM unconfirmed_remote)");
        query.bind(1, keep.only->value());
        return read_runs(query);
    }
    if (!keep.keep_runs && !keep.keep_for)
        return {};
    auto query = connection_.prepare(
        "WITH ranked AS (SELECT r.run, r.ended, row_number() OVER (PARTITION BY d.name ORDER BY r.run DESC) AS place "
        "FROM run r JOIN dag d ON d.dag = r.dag WHERE r.ended IS NOT NULL AND (?1 = '' OR d.name = ?1)) " +
        std::string(select_runs) +
        "WHERE r.run IN (SELECT run FROM ranked WHERE (?2 IS NULL OR place > ?2) AND (?3 IS NULL OR ended < ?3)) "
        "AND r.run NOT IN (SELECT run FROM unconfirmed_remote) ORDER BY r.run");
    query.bind(1, keep.dag_name);
    if (keep.keep_runs)
        query.bind(2, *keep.keep_runs);
    if (keep.keep_for)
        query.bind(3, to_integer(now - *keep.keep_for));
    return read_runs(query);
}

dag_document sqlite_view::dag_of(run_number run)
{
    const sqlite_transaction snapshot(connection_, "BEGIN");
    const auto number = check(run, "dag");
    auto query = connection_.prepare("SELECT name, source_name, source, hash, checksum FROM dag WHERE dag = ?1");
    if (!query.bind(1, number).step())
        refuse_damaged(connection_.file(), fmt::format("the DAG of run number {} is not in it", run.value()));
    dag_document dag{query.text(0), query.text(1), query.text(2), parse_hash(query.text(3)), task_names(number)};
    if (!query.is_null(4) && query.integer(4) != checksum_of(dag))
        refuse_damaged(connection_.file(),
                       fmt::format("the DAG '{}' of run number {} is not as it was written", dag.name, run.value()));
    return dag;
}

void sqlite_view::records(run_number run, record_seq from, const reader::record_visitor& visit)
{
    check(run, "run");
    auto query = connection_.prepare(fmt::format("{}{}{}", record_columns, of_run, in_order));
    query.bind(1, run.value()).bind(2, static_cast<std::int64_t>(from.value()));
    query.bind(3, static_cast<std::int64_t>(extent_size));
    while (query.step()) {
        const auto r = check_record(query, run);
        if (!visit(seq_of(query), r))
            return;
    }
}

record sqlite_view::check_record(const sqlite_statement& row, run_number run)
{
    const auto seq = seq_of(row);
    auto r = read_record(row, run, connection_.file());
    const bool as_written = row.is_null(13) || row.integer(13) == checksum_of(seq, r);
    if (!as_written || row.integer(0) < 1)
        refuse_record(run, seq.value());
    return r;
}

void sqlite_view::records_since(record_seq after, std::size_t limit, const reader::record_visitor& visit)
{
    auto query = connection_.prepare(
        fmt::format("{}FROM journal j WHERE j.seq > ?1 AND +j.run NOT IN (SELECT run FROM run_being_removed) "
                    "ORDER BY j.seq LIMIT ?2",
                    record_columns));
    query.bind(1, static_cast<std::int64_t>(std::min<std::uint64_t>(after.value(), largest_seq)));
    query.bind(2, limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(limit));
    while (query.step()) {
        const auto r = check_record(query, run_number(to_u32(query.integer(14))));
        if (!visit(seq_of(query), r))
            return;
    }
}

record_seq sqlite_view::removed_up_to()
{
    return record_seq(static_cast<std::uint64_t>(connection_.integer("SELECT seq FROM highest_removed")));
}

std::optional<std::string> sqlite_view::entry(const std::string& kind, const std::string& key)
{
    return read_entry(connection_, kind, key);
}

std::vector<entry_row> sqlite_view::entries(const std::string& kind, const std::string& after, std::size_t limit)
{
    return read_entries(connection_, kind, after, limit);
}

void sqlite_view::refuse_record(run_number run, std::uint64_t seq)
{
    auto query = connection_.prepare("SELECT id FROM run WHERE run = ?1");
    query.bind(1, run.value()).step();
    refuse_damaged(connection_.file(), fmt::format("record {} of run {} (number {}) is not as it was written", seq,
                                                   query.text(0), run.value()));
}

void sqlite_view::logs(const log_filter& filter, const reader::log_visitor& visit)
{
    check(filter.run, "run");
    std::string sql =
        "SELECT chunk, task, item, attempt, stream, at, text FROM log_chunk WHERE run = ?1 AND chunk > ?2";
    if (filter.task)
        sql += fmt::format(" AND task = {}", filter.task->value());
    if (filter.item)
        sql += fmt::format(" AND item = {}", filter.item->value());
    if (filter.attempt)
        sql += fmt::format(" AND attempt = {}", filter.attempt->value());
    auto query = connection_.prepare(sql + " ORDER BY chunk");
    query.bind(1, filter.run.value()).bind(2, static_cast<std::int64_t>(filter.after));
    while (query.step()) {
        const log_chunk chunk{filter.run,
                              task_index(to_u32(query.integer(1))),
                              item_index(to_u32(query.integer(2))),
                              attempt_number(to_u32(query.integer(3))),
                              to_enum<log_stream>(query.integer(4), 1, 3, "stream of a log", connection_.file()),
                              to_time(query.integer(5)),
                              query.text(6)};
        if (!visit(static_cast<std::uint64_t>(query.integer(0)), chunk))
            return;
    }
}

std::vector<std::string> sqlite_view::task_names(std::int64_t dag)
{
    std::vector<std::string> result;
    auto names = connection_.prepare("SELECT name FROM dag_task WHERE dag = ?1 ORDER BY task");
    names.bind(1, dag);
    while (names.step())
        result.push_back(names.text(0));
    return result;
}

std::vector<task_row> sqlite_view::folded_tasks(run_number run)
{
    std::vector<task_row> result;
    auto query = connection_.prepare(
        "SELECT t.name, s.task, s.state, s.items, s.pending, s.queued, s.running, s.deferred, s.retrying, "
        "s.cancelling, "
        "s.success, s.failed, s.timed_out, s.cancelled, s.skipped, s.upstream_failed, s.attempts, s.started, s.ended, "
        "s.output, s.error FROM run r CROSS JOIN task_snapshot s ON s.run = r.run "
        "CROSS JOIN dag_task t ON t.dag = r.dag AND t.task = s.task WHERE r.run = ?1 ORDER BY s.task");
    query.bind(1, run.value());
    while (query.step())
        result.push_back(read_task(query, connection_.file()));
    return result;
}

std::vector<task_row> sqlite_view::tasks(run_number run)
{
    std::optional<sqlite_transaction> snapshot;
    if (!connection_.in_transaction())
        snapshot.emplace(connection_, "BEGIN");
    if (check(run, "folded") != 0)
        return folded_tasks(run);
    task_fold fold;
    records(run, record_seq(0), [&fold](record_seq, const record& r) {
        fold.apply(r);
        return true;
    });
    return fold.rows(task_names(check(run, "dag")));
}

record sqlite_view::record_at(run_number run, record_seq seq)
{
    auto query = connection_.prepare(fmt::format("{}FROM journal j WHERE j.seq = ?1", record_columns));
    if (!query.bind(1, static_cast<std::int64_t>(seq.value())).step() || query.integer(14) != run.value())
        refuse_record(run, seq.value());
    return check_record(query, run);
}

void sqlite_view::read_items(known_items& known)
{
    auto query = connection_.prepare(fmt::format("{}{}AND j.task = ?4 {}", item_columns, of_run, in_order));
    query.bind(1, known.run.value()).bind(2, static_cast<std::int64_t>(known.next.value()));
    query.bind(3, static_cast<std::int64_t>(extent_size)).bind(4, known.task.value());
    record r;
    r.run = known.run;
    r.task = known.task;
    while (query.step()) {
        r.kind = to_enum<record_kind>(query.integer(1), 1, record_kinds.size(), "kind of record", connection_.file());
        r.state = to_state(query, 2, connection_.file());
        r.item = query.is_null(3) ? no_item : item_index(to_u32(query.integer(3)));
        r.attempt = attempt_number(to_u32(query.integer(4)));
        r.number = query.integer(5);
        r.at = to_time(query.integer(6));
        r.name.assign(query.integer(7) != 0 ? "?" : "");
        r.data.assign(query.integer(8) != 0 ? "?" : "");
        // How many items there are is not shown, but believed.
        if (r.kind == record_kind::task_evaluated)
            r.number = record_at(known.run, seq_of(query)).number;
        known.table.apply(seq_of(query), r);
        known.next = record_seq(seq_of(query).value() + 1);
    }
}

std::vector<item_row> sqlite_view::items(run_number run, const item_filter& filter)
{
    check(run, "run");
    if (!items_ || items_->run != run || items_->task != filter.task)
        items_.emplace(known_items{run, filter.task, record_seq(0), {}});
    try {
        read_items(*items_);
    } catch (const store_error&) {
        items_.reset();
        throw;
    }
    std::vector<item_row> result;
    for (auto& place : items_->table.page(filter)) {
        if (place.key.value() != 0)
            place.row.key = record_at(run, place.key).name;
        if (place.output.value() != 0)
            place.row.output = record_at(run, place.output).data;
        if (place.error.value() != 0)
            place.row.error = record_at(run, place.error).data;
        result.push_back(std::move(place.row));
    }
    return result;
}

std::vector<attempt_row> sqlite_view::attempts(run_number run, task_index task, item_index item)
{
    check(run, "run");
    auto query =
        connection_.prepare(fmt::format("{}{}AND j.task = ?4 AND j.item = ?5 {}", record_columns, of_run, in_order));
    query.bind(1, run.value()).bind(2, std::int64_t{0}).bind(3, static_cast<std::int64_t>(extent_size));
    query.bind(4, task.value()).bind(5, item.value());
    attempt_fold fold;
    while (query.step())
        fold.apply(check_record(query, run));
    return std::move(fold).rows();
}

} // namespace potoo::journal
