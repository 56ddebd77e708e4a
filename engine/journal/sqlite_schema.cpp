#include "engine/journal/sqlite_schema.hpp"

#include "engine/journal/damage.hpp"
#include "engine/journal/record.hpp"
#include "engine/journal/sqlite_store.hpp"

#include <array>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace potoo::journal {

namespace {

constexpr std::string_view tables_1 = R"sql(
CREATE TABLE state_name (state INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE kind_name (kind INTEGER PRIMARY KEY, name TEXT NOT NULL, awaited INTEGER NOT NULL, fields TEXT NOT NULL);
CREATE TABLE stream_name (stream INTEGER PRIMARY KEY, name TEXT NOT NULL);

CREATE TABLE dag (
    dag INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    tasks_hash TEXT NOT NULL,
    source_name TEXT NOT NULL,
    source TEXT NOT NULL);
CREATE INDEX dag_by_hash ON dag (hash);
CREATE TABLE dag_task (
    dag INTEGER NOT NULL,
    task INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (dag, task)) WITHOUT ROWID;

CREATE TABLE run (
    run INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    dag INTEGER NOT NULL,
    params TEXT NOT NULL,
    state INTEGER NOT NULL,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    created INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    folded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX run_unfinished ON run (run) WHERE ended IS NULL;
CREATE INDEX run_to_fold ON run (run) WHERE ended IS NOT NULL AND folded = 0;

CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER,
    task INTEGER,
    item INTEGER,
    attempt INTEGER,
    step INTEGER,
    number INTEGER,
    at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    branch TEXT,
    name TEXT,
    data TEXT);
CREATE TABLE journal_extent (
    run INTEGER NOT NULL,
    extent INTEGER NOT NULL,
    PRIMARY KEY (run, extent)) WITHOUT ROWID;

CREATE TABLE log_chunk (
    chunk INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    item INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text BLOB NOT NULL);
CREATE INDEX log_chunk_by_attempt ON log_chunk (run, task, item, attempt);

CREATE TABLE task_snapshot (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    state INTEGER NOT NULL,
    items INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    running INTEGER NOT NULL,
    deferred INTEGER NOT NULL,
    retrying INTEGER NOT NULL,
    cancelling INTEGER NOT NULL,
    success INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    upstream_failed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    output TEXT,
    error TEXT,
    PRIMARY KEY (run, task)) WITHOUT ROWID;
)sql";

// `last` and its like are `seq * 16 + state`, so that one max() finds both the last record and the state it left.
// Numbers of kinds and states are those of record.hpp. The plus keeps SQLite from indexing the whole table by run.
constexpr std::string_view item_view_1 = R"sql(
CREATE VIEW {name} AS
SELECT e.run AS run, j.task AS task, iif(j.kind IN (4, 5, 25), NULL, j.item) AS item,
    max(CASE j.kind
        WHEN 5 THEN j.seq * 16 + coalesce(j.state, 0)
        WHEN 6 THEN j.seq * 16 + 3
        WHEN 7 THEN j.seq * 16 + 4
        WHEN 8 THEN j.seq * 16 + 3
        WHEN 9 THEN j.seq * 16 + j.state
        WHEN 10 THEN j.seq * 16 + 5
        WHEN 11 THEN j.seq * 16 + 5
        WHEN 15 THEN j.seq * 16 + 6
        WHEN 25 THEN j.seq * 16 + 1 END) AS last,
    max(iif(j.kind = 4, coalesce(j.number, 0), NULL)) AS evaluated,
    coalesce(max(iif(j.kind IN (4, 5, 25), NULL, j.attempt)), 0) AS attempts,
    min(CASE j.kind WHEN 6 THEN j.at WHEN 9 THEN j.at - coalesce(j.number, 0) END) AS started,
    max(iif(j.kind = 9, j.at, NULL)) AS last_end,
    max(iif(j.kind IN (5, 9) AND coalesce(j.state, 0) <> 8 AND j.data IS NOT NULL, j.seq, NULL)) AS error_seq
FROM journal_extent e CROSS JOIN journal j
    ON j.seq BETWEEN e.extent * {extent} AND e.extent * {extent} + {extent} - 1 AND +j.run = e.run
WHERE {runs} AND j.task IS NOT NULL
    AND (j.kind IN (4, 5, 25)
        OR (j.item IS NOT NULL AND (j.kind IN (6, 7, 8, 10, 11, 15) OR (j.kind = 9 AND j.state IS NOT NULL))))
GROUP BY 1, 2, 3;
)sql";

constexpr std::string_view fold_views_1 = R"sql(
CREATE VIEW task_group AS
SELECT run, task, max(evaluated) AS evaluated, count(item) AS known,
    max(iif(item IS NULL, last, NULL)) AS task_last, coalesce(max(iif(item IS NULL, NULL, last)), 0) AS item_last,
    sum(item IS NOT NULL AND last & 15 = 3) AS running,
    sum(item IS NOT NULL AND last & 15 = 4) AS deferred,
    sum(item IS NOT NULL AND last & 15 = 5) AS retrying,
    sum(item IS NOT NULL AND last & 15 = 6) AS cancelling,
    sum(item IS NOT NULL AND last & 15 = 8) AS success,
    sum(item IS NOT NULL AND last & 15 = 9) AS failed,
    sum(item IS NOT NULL AND last & 15 = 10) AS timed_out,
    sum(item IS NOT NULL AND last & 15 = 11) AS cancelled,
    sum(item IS NOT NULL AND last & 15 = 12) AS skipped,
    sum(item IS NOT NULL AND last & 15 = 13) AS upstream_failed,
    sum(attempts) AS attempts, min(started) AS started, max(last_end) AS last_end, max(error_seq) AS error_seq
FROM item_fold_live
GROUP BY run, task;

CREATE VIEW task_group_state AS
SELECT *, max(coalesce(evaluated, 1), known) AS items,
    CASE
        WHEN task_last > item_last THEN task_last & 15
        WHEN known = 0 THEN iif(evaluated IS NULL, 1, 2)
        WHEN max(coalesce(evaluated, 1), known) = 1 THEN item_last & 15
        WHEN success + failed + timed_out + cancelled + skipped + upstream_failed < max(coalesce(evaluated, 1), known)
            THEN 3
        WHEN failed > 0 THEN 9
        WHEN timed_out > 0 THEN 10
        WHEN cancelled > 0 THEN 11
        WHEN upstream_failed > 0 THEN 13
        WHEN success > 0 THEN 8
        ELSE 12 END AS state
FROM task_group;

CREATE VIEW task_live AS
SELECT g.run, g.task, g.state, g.items,
    iif(g.state < 8, g.items - g.known, 0) AS pending,
    0 AS queued, g.running, g.deferred, g.retrying, g.cancelling,
    g.success + iif(g.state = 8, g.items - g.known, 0) AS success,
    g.failed + iif(g.state = 9, g.items - g.known, 0) AS failed,
    g.timed_out + iif(g.state = 10, g.items - g.known, 0) AS timed_out,
    g.cancelled + iif(g.state = 11, g.items - g.known, 0) AS cancelled,
    g.skipped + iif(g.state = 12, g.items - g.known, 0) AS skipped,
    g.upstream_failed + iif(g.state = 13, g.items - g.known, 0) AS upstream_failed,
    g.attempts, g.started,
    iif(g.state >= 8, iif(g.task_last > g.item_last, ended.at, g.last_end), NULL) AS ended,
    iif(g.state = 8 AND g.items = 1, coalesce(ended.data, done.data), NULL) AS output,
    iif(g.state <> 8, wrong.data, NULL) AS error
FROM task_group_state g
    LEFT JOIN journal ended ON ended.seq = iif(g.task_last > g.item_last, g.task_last >> 4, NULL)
    LEFT JOIN journal done ON done.seq = iif(g.item_last & 15 = 8, g.item_last >> 4, NULL)
    LEFT JOIN journal wrong ON wrong.seq = g.error_seq;
)sql";

constexpr std::string_view readable_views_1 = R"sql(
CREATE VIEW run_status AS
SELECT r.run, r.id, d.name AS dag, s.name AS state,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.created / 1000.0, 'unixepoch') AS created,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.started / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.ended / 1000.0, 'unixepoch') AS ended,
    (r.ended - r.started) / 1000.0 AS seconds, r.owner, r.params
FROM run r JOIN dag d ON d.dag = r.dag JOIN state_name s ON s.state = r.state;

CREATE VIEW task_status AS
WITH known AS (
    SELECT * FROM task_snapshot WHERE run IN (SELECT run FROM run WHERE folded = 1)
    UNION ALL
    SELECT * FROM task_live)
SELECT r.run, r.id, t.task AS number, t.name AS task, coalesce(s.name, 'pending') AS state, coalesce(k.items, 1) AS items,
    coalesce(k.pending, 1) AS pending, coalesce(k.running, 0) AS running, coalesce(k.deferred, 0) AS deferred,
    coalesce(k.retrying, 0) AS retrying, coalesce(k.cancelling, 0) AS cancelling, coalesce(k.success, 0) AS success,
    coalesce(k.failed, 0) AS failed, coalesce(k.timed_out, 0) AS timed_out, coalesce(k.cancelled, 0) AS cancelled,
    coalesce(k.skipped, 0) AS skipped, coalesce(k.upstream_failed, 0) AS upstream_failed,
    coalesce(k.attempts, 0) AS attempts,
    strftime('%Y-%m-%dT%H:%M:%fZ', k.started / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%dT%H:%M:%fZ', k.ended / 1000.0, 'unixepoch') AS ended,
    (k.ended - k.started) / 1000.0 AS seconds, k.output, k.error
FROM run r JOIN dag_task t ON t.dag = r.dag
    LEFT JOIN known k ON k.run = r.run AND k.task = t.task
    LEFT JOIN state_name s ON s.state = k.state;

CREATE VIEW item_status AS
SELECT r.run, r.id, t.name AS task, i.item, s.name AS state, i.attempts,
    strftime('%Y-%m-%dT%H:%M:%fZ', i.started / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%dT%H:%M:%fZ', iif(i.last & 15 >= 8, i.last_end, NULL) / 1000.0, 'unixepoch') AS ended,
    iif(i.last & 15 = 8, last.data, NULL) AS output, iif(i.last & 15 <> 8, wrong.data, NULL) AS error
FROM item_fold i JOIN run r ON r.run = i.run JOIN dag_task t ON t.dag = r.dag AND t.task = i.task
    JOIN state_name s ON s.state = i.last & 15
    LEFT JOIN journal last ON last.seq = i.last >> 4
    LEFT JOIN journal wrong ON wrong.seq = i.error_seq
WHERE i.item IS NOT NULL;

CREATE VIEW journal_readable AS
SELECT j.seq, r.id, k.name AS kind, s.name AS state, t.name AS task, j.item, j.attempt, j.branch, j.step, j.number,
    strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000.0, 'unixepoch') AS at, j.name, j.data, j.epoch
FROM journal j JOIN run r ON r.run = j.run JOIN kind_name k ON k.kind = j.kind
    LEFT JOIN state_name s ON s.state = j.state
    LEFT JOIN dag_task t ON t.dag = r.dag AND t.task = j.task;

CREATE VIEW log AS
SELECT l.chunk, r.id, t.name AS task, l.item, l.attempt, s.name AS stream,
    strftime('%Y-%m-%dT%H:%M:%fZ', l.at / 1000.0, 'unixepoch') AS at, CAST(l.text AS TEXT) AS text
FROM log_chunk l JOIN run r ON r.run = l.run JOIN stream_name s ON s.stream = l.stream
    LEFT JOIN dag_task t ON t.dag = r.dag AND t.task = l.task;
)sql";

/// The items of the runs that the condition picks.
std::string item_view(std::string_view name, std::string_view runs)
{
    return fmt::format(fmt::runtime(item_view_1), fmt::arg("name", name), fmt::arg("runs", runs),
                       fmt::arg("extent", extent_size));
}

constexpr std::string_view tables_2 = R"sql(
ALTER TABLE dag ADD COLUMN checksum INTEGER;
ALTER TABLE run ADD COLUMN checksum INTEGER;
ALTER TABLE journal ADD COLUMN checksum INTEGER;
ALTER TABLE kind_name ADD COLUMN written TEXT NOT NULL DEFAULT '';

CREATE TABLE unconfirmed_remote (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    item INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    token TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (run, task, item, attempt, token)) WITHOUT ROWID;

CREATE TABLE run_being_removed (run INTEGER PRIMARY KEY);
CREATE TABLE highest_removed (run INTEGER NOT NULL, seq INTEGER NOT NULL);
INSERT INTO highest_removed VALUES (0, 0);

CREATE VIEW unconfirmed AS
SELECT r.run, r.id, t.name AS task, u.item, u.attempt, u.token, u.why
FROM unconfirmed_remote u JOIN run r ON r.run = u.run LEFT JOIN dag_task t ON t.dag = r.dag AND t.task = u.task;

DROP VIEW task_live;
CREATE VIEW task_live AS
WITH g AS (
    SELECT *, coalesce(task_last > item_last AND task_last & 15 >= 8, 0) AS over,
        known - success - failed - timed_out - cancelled - skipped - upstream_failed AS waiting
    FROM task_group_state)
SELECT g.run, g.task, g.state, g.items,
    iif(g.state < 8, g.items - g.known, 0) AS pending,
    0 AS queued, iif(g.over, 0, g.running) AS running, iif(g.over, 0, g.deferred) AS deferred,
    iif(g.over, 0, g.retrying) AS retrying, iif(g.over, 0, g.cancelling) AS cancelling,
    g.success + iif(g.state = 8, g.items - g.known, 0) AS success,
    g.failed + iif(g.state = 9, g.items - g.known, 0) AS failed,
    g.timed_out + iif(g.state = 10, g.items - g.known, 0) AS timed_out,
    g.cancelled + iif(g.over, g.waiting, 0) + iif(g.state = 11, g.items - g.known, 0) AS cancelled,
    g.skipped + iif(g.state = 12, g.items - g.known, 0) AS skipped,
    g.upstream_failed + iif(g.state = 13, g.items - g.known, 0) AS upstream_failed,
    g.attempts, g.started,
    iif(g.state >= 8, iif(g.task_last > g.item_last, ended.at, g.last_end), NULL) AS ended,
    iif(g.state = 8 AND g.items = 1, coalesce(ended.data, done.data), NULL) AS output,
    iif(g.state <> 8, wrong.data, NULL) AS error
FROM g
    LEFT JOIN journal ended ON ended.seq = iif(g.task_last > g.item_last, g.task_last >> 4, NULL)
    LEFT JOIN journal done ON done.seq = iif(g.item_last & 15 = 8, g.item_last >> 4, NULL)
    LEFT JOIN journal wrong ON wrong.seq = g.error_seq;

DROP VIEW item_status;
CREATE VIEW item_status AS
WITH known AS (
    SELECT *, max(iif(item IS NULL, last, NULL)) OVER task AS task_last,
        max(iif(item IS NULL, NULL, last)) OVER task AS item_last
    FROM item_fold WINDOW task AS (PARTITION BY run, task)),
item AS (
    SELECT *, iif(last & 15 < 8 AND task_last > item_last AND task_last & 15 >= 8, 11, last & 15) AS state
    FROM known WHERE item IS NOT NULL)
SELECT r.run, r.id, t.name AS task, i.item, s.name AS state, i.attempts,
    strftime('%Y-%m-%dT%H:%M:%fZ', i.started / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%dT%H:%M:%fZ', iif(i.state >= 8, i.last_end, NULL) / 1000.0, 'unixepoch') AS ended,
    iif(i.state = 8, last.data, NULL) AS output, iif(i.state <> 8, wrong.data, NULL) AS error
FROM item i JOIN run r ON r.run = i.run JOIN dag_task t ON t.dag = r.dag AND t.task = i.task
    JOIN state_name s ON s.state = i.state
    LEFT JOIN journal last ON last.seq = i.last >> 4
    LEFT JOIN journal wrong ON wrong.seq = i.error_seq;

UPDATE task_snapshot
SET cancelled = cancelled + running + deferred + retrying + cancelling,
    running = 0, deferred = 0, retrying = 0, cancelling = 0
WHERE state >= 8 AND running + deferred + retrying + cancelling > 0;
)sql";

constexpr std::string_view tables_3 = R"sql(
ALTER TABLE run ADD COLUMN origin TEXT;

-- As `run_filter::origin_key` asks for it: of 100,000 runs one is found in 0.1 ms instead of 50.
CREATE INDEX run_by_origin_key ON run (iif(json_valid(origin), origin ->> 'key', NULL));

CREATE TABLE entry (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;

DROP VIEW run_status;
CREATE VIEW run_status AS
SELECT r.run, r.id, d.name AS dag, s.name AS state,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.created / 1000.0, 'unixepoch') AS created,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.started / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.ended / 1000.0, 'unixepoch') AS ended,
    (r.ended - r.started) / 1000.0 AS seconds, r.owner, r.params, r.origin
FROM run r JOIN dag d ON d.dag = r.dag JOIN state_name s ON s.state = r.state;
)sql";

/// The names of numbers, so that the file explains itself.
void write_names(sqlite_connection& connection)
{
    auto kind = connection.prepare("INSERT OR REPLACE INTO kind_name (kind, name, awaited, fields, written) "
                                   "VALUES (?1, ?2, ?3, ?4, ?5)");
    for (const auto& k : record_kinds) {
        kind.bind(1, static_cast<std::int64_t>(k.kind)).bind(2, k.name).bind(3, k.awaited).bind(4, k.fields);
        kind.bind(5, k.when).run();
    }
    auto state = connection.prepare("INSERT OR REPLACE INTO state_name VALUES (?1, ?2)");
    for (std::size_t i = 1; i < recorded_state_count; ++i)
        state.bind(1, static_cast<std::int64_t>(i)).bind(2, to_string(static_cast<recorded_state>(i))).run();
    auto stream = connection.prepare("INSERT OR REPLACE INTO stream_name VALUES (?1, ?2)");
    for (const auto s : {log_stream::out, log_stream::err, log_stream::engine})
        stream.bind(1, static_cast<std::int64_t>(s)).bind(2, to_string(s)).run();
}

void migrate_to_1(sqlite_connection& connection)
{
    connection.execute(std::string(tables_1));
    connection.execute(item_view("item_fold", "TRUE"));
    connection.execute(item_view("item_fold_live", "e.run IN (SELECT run FROM run WHERE folded = 0)"));
    connection.execute(std::string(fold_views_1));
    connection.execute(std::string(readable_views_1));
}

void migrate_to_2(sqlite_connection& connection)
{
    connection.execute(std::string(tables_2));
}

void migrate_to_3(sqlite_connection& connection)
{
    connection.execute(std::string(tables_3));
    // They speak of more kinds of records than in files of version 1 and 2.
    connection.execute("DROP VIEW item_fold; DROP VIEW item_fold_live;");
    connection.execute(item_view("item_fold", "TRUE"));
    connection.execute(item_view("item_fold_live", "e.run IN (SELECT run FROM run WHERE folded = 0)"));
    write_names(connection);
}

/// Step i brings version i to version i + 1.
constexpr std::array<void (*)(sqlite_connection&), schema_version> migrations{migrate_to_1, migrate_to_2, migrate_to_3};

void refuse_foreign(const sqlite_connection& connection)
{
    throw store_error(store_error_kind::foreign,
                      fmt::format("'{}' is a database of another program, not a journal of potoo; choose another state "
                                  "directory with --state",
                                  connection.file().string()));
}

void refuse_newer(const sqlite_connection& connection, std::int64_t version)
{
    throw store_error(store_error_kind::newer_version,
                      fmt::format("the journal '{}' has schema version {}, this potoo knows versions up to {}; use the "
                                  "newer potoo that wrote it, or another state directory with --state",
                                  connection.file().string(), version, schema_version));
}

/// @return the schema version of the file
std::int64_t recognise(sqlite_connection& connection)
{
    if (connection.integer("PRAGMA application_id") != application_id)
        refuse_foreign(connection);
    const auto version = connection.integer("PRAGMA user_version");
    if (version > schema_version)
        refuse_newer(connection, version);
    if (version < 1)
        throw store_error(store_error_kind::corrupt,
                          fmt::format("the journal '{}' is damaged: it says that its schema version is {}, which no "
                                      "potoo writes; restore it from a copy, or move the directory away to begin anew",
                                      connection.file().string(), version));
    return version;
}

void migrate(sqlite_connection& connection, std::int64_t version)
{
    for (; version < schema_version; ++version) {
        sqlite_transaction transaction(connection, "BEGIN IMMEDIATE");
        migrations[static_cast<std::size_t>(version)](connection);
        connection.execute(
            fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, version + 1));
        transaction.commit();
    }
}

} // namespace

void create_tables(sqlite_connection& connection)
{
    // Nobody knows the file yet: what a crash leaves of it is thrown away.
    connection.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL");
    migrate(connection, 0);
    connection.execute("PRAGMA journal_mode = WAL");
}

void prepare_for_writing(sqlite_connection& connection)
{
    const auto version = recognise(connection);
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
                       "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048");
    migrate(connection, version);
}

void check_for_reading(sqlite_connection& connection)
{
    const auto version = recognise(connection);
    if (version < schema_version)
        throw store_error(store_error_kind::older_version,
                          fmt::format("the journal '{}' has schema version {}, this potoo reads version {}",
                                      connection.file().string(), version, schema_version));
    connection.execute("PRAGMA temp_store = MEMORY");
}

void check_integrity(sqlite_connection& connection)
{
    auto check = connection.prepare("PRAGMA quick_check(1)");
    check.step();
    const auto verdict = check.text(0);
    if (verdict != "ok")
        refuse_damaged(connection.file(), verdict);
}

} // namespace potoo::journal
