-- A journal as version 2 of the schema had it: a run that failed, and one whose engine was killed.
PRAGMA application_id = 1347376207;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
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
CREATE TABLE kind_name (kind INTEGER PRIMARY KEY, name TEXT NOT NULL, awaited INTEGER NOT NULL, fields TEXT NOT NULL, written TEXT NOT NULL DEFAULT '');
INSERT INTO "kind_name" VALUES(1,'run_created',1,'-','a run is created, with its DAG and parameters');
INSERT INTO "kind_name" VALUES(2,'run_started',0,'-','an engine begins with a run, or goes on with it');
INSERT INTO "kind_name" VALUES(3,'run_ended',1,'state; data = error, if any','the last task has ended, or the run was ended');
INSERT INTO "kind_name" VALUES(4,'task_evaluated',0,'task; number = items (a task of which this is not recorded has one); state = skipped or failed, if that came of it; data = error, if any','the condition and the items of a task are known');
INSERT INTO "kind_name" VALUES(5,'task_ended',0,'task, state; data = error of `when` or `foreach`, if any','the last item of a task has ended, or the task ends without any');
INSERT INTO "kind_name" VALUES(6,'attempt_started',0,'task, item, attempt; name = the item''s key, if the task gives one','an attempt starts');
INSERT INTO "kind_name" VALUES(7,'attempt_deferred',0,'task, item, attempt','an attempt waits on something remote');
INSERT INTO "kind_name" VALUES(8,'attempt_resumed',0,'task, item, attempt','a deferred attempt goes on');
INSERT INTO "kind_name" VALUES(9,'attempt_ended',1,'task, item, attempt, state; number = duration in ms; data = output, or error `{class, code, message}`','an attempt has ended');
INSERT INTO "kind_name" VALUES(10,'attempt_interrupted',0,'task, item, attempt','an engine that goes on with a run finds an attempt that died with the engine before');
INSERT INTO "kind_name" VALUES(11,'retry_scheduled',0,'task, item, attempt (that failed); number = when the next is due, ms since 1970','an attempt failed and another is due later');
INSERT INTO "kind_name" VALUES(12,'step_recorded',1,'task, item, attempt, branch, step, name; number = what it is: 0 a step or a fact, 1 `now`, 2 `sleep_until`, 4 who decided an `any` or `all` (only 0 is waited for); step = 4294967295 for a fact, which has no place; state = success or failed; data = result or error','a step of an operator is done, or a fact of it is recorded');
INSERT INTO "kind_name" VALUES(13,'launch_intent',1,'task, item, attempt; name = launch token','a remote job is about to be submitted');
INSERT INTO "kind_name" VALUES(14,'launch_recorded',1,'task, item, attempt; name = launch token; data = job id','the remote side has accepted a job');
INSERT INTO "kind_name" VALUES(15,'cancel_requested',1,'task, if not all of the run; name = reason','somebody, or the run''s deadline, asks to cancel');
INSERT INTO "kind_name" VALUES(16,'callback_completed',1,'task, item, attempt, branch, step; name = callback; state = success or failed; data = what was delivered','what an attempt waits for was delivered from outside');
INSERT INTO "kind_name" VALUES(17,'paused',1,'-','somebody pauses the run');
INSERT INTO "kind_name" VALUES(18,'resumed',1,'-','somebody lets a paused run go on');
INSERT INTO "kind_name" VALUES(19,'pool_resized',1,'name = pool; number = slots','somebody changes the slots of a pool');
INSERT INTO "kind_name" VALUES(20,'retry_due',0,'task, item','the delay of a retry has passed: the next attempt may be admitted');
INSERT INTO "kind_name" VALUES(21,'remote_unconfirmed',0,'task, item, attempt; name = launch token; number = handlers of `on_cancel` that it had; data = why, a JSON string','an attempt ends, in whatever way, and something that it began may run still: no confirmation came, clean-up failed, or nobody looked after what it had launched');
INSERT INTO "kind_name" VALUES(22,'remote_confirmed',1,'task, item, attempt; name = launch token, or nothing for all of the attempt''s','it has since been confirmed that nothing of such an attempt runs');
INSERT INTO "kind_name" VALUES(23,'callback_opened',1,'task, item, attempt, branch, step; name = callback; data = token, a JSON string','an attempt begins to wait for something delivered from outside');
CREATE TABLE stream_name (stream INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO "stream_name" VALUES(1,'stdout');
INSERT INTO "stream_name" VALUES(2,'stderr');
INSERT INTO "stream_name" VALUES(3,'engine');
CREATE TABLE dag (
    dag INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    tasks_hash TEXT NOT NULL,
    source_name TEXT NOT NULL,
    source TEXT NOT NULL, checksum INTEGER);
INSERT INTO "dag" VALUES(1,'nightly','715d3863f1074fe4','b4606c18b85107ac','/tmp/jv2/nightly.yaml',replace('name: nightly\nparams: {cohort: {type: string, default: a}}\ntasks:\n  list: {operator: shell, with: {command: "echo ''[1, 2]''"}}\n  align:\n    operator: shell\n    depends_on: [list]\n    foreach: ${{ range(2) }}\n    with: {command: ["test", "${{ item }}", "=", "0"]}\n  merge: {operator: shell, depends_on: [align], with: {command: "true"}}\n','\n',char(10)),-1143471760);
INSERT INTO "dag" VALUES(2,'waiting','36555a9b7beb357e','e49cdd0655be743e','/tmp/jv2/waiting.yaml',replace('name: waiting\ntasks:\n  first: {operator: shell, with: {command: "true"}}\n  wait: {operator: shell, depends_on: [first], with: {command: "sleep 60"}}\n','\n',char(10)),1338323611);
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
    folded INTEGER NOT NULL DEFAULT 0, checksum INTEGER);
INSERT INTO "run" VALUES(1,'zxyvfk9ji6if',1,'{"cohort":"a"}',9,'',1,1795357021921,1795357021921,1795357021933,1,1669530750);
INSERT INTO "run" VALUES(2,'dbwkj2j28xb1',2,'{}',3,'',1,1795357021954,1795357021955,NULL,0,-215761662);
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
    data TEXT, checksum INTEGER);
INSERT INTO "journal" VALUES(1,1,1,NULL,NULL,NULL,NULL,NULL,NULL,1795357021921,1,NULL,NULL,NULL,1924778500);
INSERT INTO "journal" VALUES(2,1,2,NULL,NULL,NULL,NULL,NULL,NULL,1795357021921,0,NULL,NULL,NULL,2043446048);
INSERT INTO "journal" VALUES(3,1,6,NULL,0,0,1,NULL,NULL,1795357021922,0,NULL,NULL,NULL,-2044450920);
INSERT INTO "journal" VALUES(4,1,9,8,0,0,1,NULL,2,1795357021925,0,NULL,NULL,'[1,2]',773049245);
INSERT INTO "journal" VALUES(5,1,5,8,0,NULL,NULL,NULL,NULL,1795357021925,0,NULL,NULL,NULL,294973291);
INSERT INTO "journal" VALUES(6,1,4,NULL,1,NULL,NULL,NULL,2,1795357021925,0,NULL,NULL,NULL,-1791572476);
INSERT INTO "journal" VALUES(7,1,6,NULL,1,0,1,NULL,NULL,1795357021930,0,NULL,NULL,NULL,555722509);
INSERT INTO "journal" VALUES(8,1,6,NULL,1,1,1,NULL,NULL,1795357021930,0,NULL,NULL,NULL,744830955);
INSERT INTO "journal" VALUES(9,1,9,9,1,1,1,NULL,2,1795357021933,0,NULL,NULL,'{"class":"retryable","code":"exit_1","message":"exit code 1"}',2133761132);
INSERT INTO "journal" VALUES(10,1,9,8,1,0,1,NULL,3,1795357021933,0,NULL,NULL,NULL,694470648);
INSERT INTO "journal" VALUES(11,1,5,9,1,NULL,NULL,NULL,NULL,1795357021933,0,NULL,NULL,NULL,-556042288);
INSERT INTO "journal" VALUES(12,1,5,13,2,NULL,NULL,NULL,NULL,1795357021933,0,NULL,NULL,NULL,-1610720799);
INSERT INTO "journal" VALUES(13,1,3,9,NULL,NULL,NULL,NULL,NULL,1795357021933,0,NULL,NULL,NULL,1664293531);
INSERT INTO "journal" VALUES(14,2,1,NULL,NULL,NULL,NULL,NULL,NULL,1795357021954,1,NULL,NULL,NULL,831573036);
INSERT INTO "journal" VALUES(15,2,2,NULL,NULL,NULL,NULL,NULL,NULL,1795357021955,0,NULL,NULL,NULL,-145666565);
INSERT INTO "journal" VALUES(16,2,6,NULL,0,0,1,NULL,NULL,1795357021958,0,NULL,NULL,NULL,1024034195);
INSERT INTO "journal" VALUES(17,2,9,8,0,0,1,NULL,8,1795357021966,0,NULL,NULL,NULL,2039152599);
INSERT INTO "journal" VALUES(18,2,5,8,0,NULL,NULL,NULL,NULL,1795357021966,0,NULL,NULL,NULL,1654779805);
INSERT INTO "journal" VALUES(19,2,6,NULL,1,0,1,NULL,NULL,1795357021967,0,NULL,NULL,NULL,2136283305);
CREATE TABLE journal_extent (
    run INTEGER NOT NULL,
    extent INTEGER NOT NULL,
    PRIMARY KEY (run, extent)) WITHOUT ROWID;
INSERT INTO "journal_extent" VALUES(1,0);
INSERT INTO "journal_extent" VALUES(2,0);
CREATE TABLE log_chunk (
    chunk INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    item INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text BLOB NOT NULL);
INSERT INTO "log_chunk" VALUES(1,1,0,0,1,1,1795357021924,X'5b312c20325d0a');
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
INSERT INTO "task_snapshot" VALUES(1,0,8,1,0,0,0,0,0,0,1,0,0,0,0,0,1,1795357021922,1795357021925,'[1,2]',NULL);
INSERT INTO "task_snapshot" VALUES(1,1,9,2,0,0,0,0,0,0,1,1,0,0,0,0,2,1795357021930,1795357021933,NULL,'{"class":"retryable","code":"exit_1","message":"exit code 1"}');
INSERT INTO "task_snapshot" VALUES(1,2,13,1,0,0,0,0,0,0,0,0,0,0,0,1,0,NULL,1795357021933,NULL,NULL);
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
INSERT INTO "highest_removed" VALUES(0,0);
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
CREATE VIEW unconfirmed AS
SELECT r.run, r.id, t.name AS task, u.item, u.attempt, u.token, u.why
FROM unconfirmed_remote u JOIN run r ON r.run = u.run LEFT JOIN dag_task t ON t.dag = r.dag AND t.task = u.task;
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
COMMIT;
