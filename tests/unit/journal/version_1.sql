-- A journal as version 1 of the schema had it: a run that failed, and one whose engine was killed.
PRAGMA application_id = 1347376207;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE dag (
    dag INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    tasks_hash TEXT NOT NULL,
    source_name TEXT NOT NULL,
    source TEXT NOT NULL);
INSERT INTO "dag" VALUES(1,'nightly','715d3863f1074fe4','b4606c18b85107ac','nightly.yaml','name: nightly
params: {cohort: {type: string, default: a}}
tasks:
  list: {operator: shell, with: {command: "echo ''[1, 2]''"}}
  align:
    operator: shell
    depends_on: [list]
    foreach: ${{ range(2) }}
    with: {command: ["test", "${{ item }}", "=", "0"]}
  merge: {operator: shell, depends_on: [align], with: {command: "true"}}
');
INSERT INTO "dag" VALUES(2,'waiting','36555a9b7beb357e','e49cdd0655be743e','waiting.yaml','name: waiting
tasks:
  first: {operator: shell, with: {command: "true"}}
  wait: {operator: shell, depends_on: [first], with: {command: "sleep 60"}}
');
CREATE TABLE dag_task (
    dag INTEGER NOT NULL,
    task INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (dag, task)) WITHOUT ROWID;
INSERT INTO "dag_task" VALUES(1,0,'list');
INSERT INTO "dag_task" VALUES(1,1,'align');
INSERT INTO "dag_task" VALUES(1,2,'merge');
INSERT INTO "dag_task" VALUES(2,0,'first');
INSERT INTO "dag_task" VALUES(2,1,'wait');
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
INSERT INTO "journal" VALUES(1,1,1,NULL,NULL,NULL,NULL,NULL,NULL,1795318576179,1,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(2,1,2,NULL,NULL,NULL,NULL,NULL,NULL,1795318576179,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(3,1,6,NULL,0,0,1,NULL,NULL,1795318576181,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(4,1,9,8,0,0,1,NULL,4,1795318576185,0,NULL,NULL,'[1,2]');
INSERT INTO "journal" VALUES(5,1,5,8,0,NULL,NULL,NULL,NULL,1795318576185,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(6,1,4,NULL,1,NULL,NULL,NULL,2,1795318576185,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(7,1,6,NULL,1,0,1,NULL,NULL,1795318576186,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(8,1,6,NULL,1,1,1,NULL,NULL,1795318576187,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(9,1,9,9,1,1,1,NULL,1,1795318576189,0,NULL,NULL,'{"class":"retryable","code":"exit_1","message":"exit code 1"}');
INSERT INTO "journal" VALUES(10,1,9,8,1,0,1,NULL,3,1795318576189,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(11,1,5,9,1,NULL,NULL,NULL,NULL,1795318576189,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(12,1,5,13,2,NULL,NULL,NULL,NULL,1795318576189,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(13,1,3,9,NULL,NULL,NULL,NULL,NULL,1795318576189,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(14,2,1,NULL,NULL,NULL,NULL,NULL,NULL,1795318576203,1,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(15,2,2,NULL,NULL,NULL,NULL,NULL,NULL,1795318576203,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(16,2,6,NULL,0,0,1,NULL,NULL,1795318576204,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(17,2,9,8,0,0,1,NULL,2,1795318576206,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(18,2,5,8,0,NULL,NULL,NULL,NULL,1795318576206,0,NULL,NULL,NULL);
INSERT INTO "journal" VALUES(19,2,6,NULL,1,0,1,NULL,NULL,1795318576207,0,NULL,NULL,NULL);
CREATE TABLE journal_extent (
    run INTEGER NOT NULL,
    extent INTEGER NOT NULL,
    PRIMARY KEY (run, extent)) WITHOUT ROWID;
INSERT INTO "journal_extent" VALUES(1,0);
INSERT INTO "journal_extent" VALUES(2,0);
CREATE TABLE kind_name (kind INTEGER PRIMARY KEY, name TEXT NOT NULL, awaited INTEGER NOT NULL, fields TEXT NOT NULL);
INSERT INTO "kind_name" VALUES(1,'run_created',1,'');
INSERT INTO "kind_name" VALUES(2,'run_started',0,'also when a stopped run goes on');
INSERT INTO "kind_name" VALUES(3,'run_ended',1,'state; data = error, if any');
INSERT INTO "kind_name" VALUES(4,'task_evaluated',0,'task; number = items (a task of which this is not recorded has one)');
INSERT INTO "kind_name" VALUES(5,'task_ended',0,'task, state; data = output or error. Not needed for a task whose last item tells its state');
INSERT INTO "kind_name" VALUES(6,'attempt_started',0,'task, item, attempt; name = the item''s key, if the task gives one. Not needed for an attempt that has no effect outside before it ends');
INSERT INTO "kind_name" VALUES(7,'attempt_deferred',0,'task, item, attempt; name = on what');
INSERT INTO "kind_name" VALUES(8,'attempt_resumed',0,'task, item, attempt');
INSERT INTO "kind_name" VALUES(9,'attempt_ended',1,'task, item, attempt, state; number = duration in ms; data = output, or error {class, code, message}');
INSERT INTO "kind_name" VALUES(10,'attempt_interrupted',0,'task, item, attempt: died with its engine, does not count against retry.limit');
INSERT INTO "kind_name" VALUES(11,'retry_scheduled',0,'task, item, attempt (that failed); number = when the next is due, ms since 1970');
INSERT INTO "kind_name" VALUES(12,'step_recorded',1,'task, item, attempt, branch, step, name; state = success or failed; data = result or error');
INSERT INTO "kind_name" VALUES(13,'launch_intent',1,'task, item, attempt, branch, step; name = launch token');
INSERT INTO "kind_name" VALUES(14,'launch_recorded',1,'task, item, attempt, branch, step; name = launch token; data = job id');
INSERT INTO "kind_name" VALUES(15,'cancel_requested',1,'task and item, if not all of the run or task; name = reason');
INSERT INTO "kind_name" VALUES(16,'callback_completed',1,'task, item, attempt, branch, step; name = callback; data = what was delivered');
INSERT INTO "kind_name" VALUES(17,'paused',1,'');
INSERT INTO "kind_name" VALUES(18,'resumed',1,'');
INSERT INTO "kind_name" VALUES(19,'pool_resized',1,'name = pool; number = slots');
INSERT INTO "kind_name" VALUES(20,'retry_due',0,'task, item: the delay has passed, the next attempt may be admitted');
CREATE TABLE log_chunk (
    chunk INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    item INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text BLOB NOT NULL);
INSERT INTO "log_chunk" VALUES(1,1,0,0,1,1,1795318576184,X'5B312C20325D0A');
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
INSERT INTO "run" VALUES(1,'jyfbcr6fz4tr',1,'{"cohort":"a"}',9,'',1,1795318576179,1795318576179,1795318576189,1);
INSERT INTO "run" VALUES(2,'mszjahx8d8kg',2,'{}',3,'',1,1795318576203,1795318576203,NULL,0);
CREATE TABLE state_name (state INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO "state_name" VALUES(1,'pending');
INSERT INTO "state_name" VALUES(2,'queued');
INSERT INTO "state_name" VALUES(3,'running');
INSERT INTO "state_name" VALUES(4,'deferred');
INSERT INTO "state_name" VALUES(5,'retrying');
INSERT INTO "state_name" VALUES(6,'cancelling');
INSERT INTO "state_name" VALUES(7,'paused');
INSERT INTO "state_name" VALUES(8,'success');
INSERT INTO "state_name" VALUES(9,'failed');
INSERT INTO "state_name" VALUES(10,'timed_out');
INSERT INTO "state_name" VALUES(11,'cancelled');
INSERT INTO "state_name" VALUES(12,'skipped');
INSERT INTO "state_name" VALUES(13,'upstream_failed');
CREATE TABLE stream_name (stream INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO "stream_name" VALUES(1,'stdout');
INSERT INTO "stream_name" VALUES(2,'stderr');
INSERT INTO "stream_name" VALUES(3,'engine');
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
INSERT INTO "task_snapshot" VALUES(1,0,8,1,0,0,0,0,0,0,1,0,0,0,0,0,1,1795318576181,1795318576185,'[1,2]',NULL);
INSERT INTO "task_snapshot" VALUES(1,1,9,2,0,0,0,0,0,0,1,1,0,0,0,0,2,1795318576186,1795318576189,NULL,'{"class":"retryable","code":"exit_1","message":"exit code 1"}');
INSERT INTO "task_snapshot" VALUES(1,2,13,1,0,0,0,0,0,0,0,0,0,0,0,1,0,NULL,1795318576189,NULL,NULL);
CREATE INDEX dag_by_hash ON dag (hash);
CREATE INDEX run_unfinished ON run (run) WHERE ended IS NULL;
CREATE INDEX run_to_fold ON run (run) WHERE ended IS NOT NULL AND folded = 0;
CREATE INDEX log_chunk_by_attempt ON log_chunk (run, task, item, attempt);
CREATE VIEW item_fold AS
SELECT e.run AS run, j.task AS task, iif(j.kind IN (4, 5), NULL, j.item) AS item,
    max(CASE j.kind
        WHEN 5 THEN j.seq * 16 + coalesce(j.state, 0)
        WHEN 6 THEN j.seq * 16 + 3
        WHEN 7 THEN j.seq * 16 + 4
        WHEN 8 THEN j.seq * 16 + 3
        WHEN 9 THEN j.seq * 16 + j.state
        WHEN 10 THEN j.seq * 16 + 5
        WHEN 11 THEN j.seq * 16 + 5
        WHEN 15 THEN j.seq * 16 + 6 END) AS last,
    max(iif(j.kind = 4, coalesce(j.number, 0), NULL)) AS evaluated,
    coalesce(max(iif(j.kind IN (4, 5), NULL, j.attempt)), 0) AS attempts,
    min(CASE j.kind WHEN 6 THEN j.at WHEN 9 THEN j.at - coalesce(j.number, 0) END) AS started,
    max(iif(j.kind = 9, j.at, NULL)) AS last_end,
    max(iif(j.kind IN (5, 9) AND coalesce(j.state, 0) <> 8 AND j.data IS NOT NULL, j.seq, NULL)) AS error_seq
FROM journal_extent e CROSS JOIN journal j
    ON j.seq BETWEEN e.extent * 1024 AND e.extent * 1024 + 1024 - 1 AND +j.run = e.run
WHERE TRUE AND j.task IS NOT NULL
    AND (j.kind IN (4, 5)
        OR (j.item IS NOT NULL AND (j.kind IN (6, 7, 8, 10, 11, 15) OR (j.kind = 9 AND j.state IS NOT NULL))))
GROUP BY 1, 2, 3;
CREATE VIEW item_fold_live AS
SELECT e.run AS run, j.task AS task, iif(j.kind IN (4, 5), NULL, j.item) AS item,
    max(CASE j.kind
        WHEN 5 THEN j.seq * 16 + coalesce(j.state, 0)
        WHEN 6 THEN j.seq * 16 + 3
        WHEN 7 THEN j.seq * 16 + 4
        WHEN 8 THEN j.seq * 16 + 3
        WHEN 9 THEN j.seq * 16 + j.state
        WHEN 10 THEN j.seq * 16 + 5
        WHEN 11 THEN j.seq * 16 + 5
        WHEN 15 THEN j.seq * 16 + 6 END) AS last,
    max(iif(j.kind = 4, coalesce(j.number, 0), NULL)) AS evaluated,
    coalesce(max(iif(j.kind IN (4, 5), NULL, j.attempt)), 0) AS attempts,
    min(CASE j.kind WHEN 6 THEN j.at WHEN 9 THEN j.at - coalesce(j.number, 0) END) AS started,
    max(iif(j.kind = 9, j.at, NULL)) AS last_end,
    max(iif(j.kind IN (5, 9) AND coalesce(j.state, 0) <> 8 AND j.data IS NOT NULL, j.seq, NULL)) AS error_seq
FROM journal_extent e CROSS JOIN journal j
    ON j.seq BETWEEN e.extent * 1024 AND e.extent * 1024 + 1024 - 1 AND +j.run = e.run
WHERE e.run IN (SELECT run FROM run WHERE folded = 0) AND j.task IS NOT NULL
    AND (j.kind IN (4, 5)
        OR (j.item IS NOT NULL AND (j.kind IN (6, 7, 8, 10, 11, 15) OR (j.kind = 9 AND j.state IS NOT NULL))))
GROUP BY 1, 2, 3;
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
COMMIT;
