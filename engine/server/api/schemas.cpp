#include "engine/server/api/schemas.hpp"

#include <map>
#include <stdexcept>

namespace potoo::server {
namespace {

constexpr std::string_view of_problems = R"({
"problem": {
  "type": "object", "description": "Why a request was not carried out (RFC 9457).",
  "required": ["type", "title", "status", "detail"],
  "properties": {
    "type": {"type": "string", "description": "`urn:potoo:problem:` and a word that programs may rely on"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string", "description": "What is wrong and what to do, for people"},
    "instance": {"type": "string", "description": "Path of the request"},
    "errors": {"type": "array", "description": "Each thing that is wrong", "items": {
      "type": "object", "required": ["place", "detail"], "properties": {
        "place": {"type": "string", "description": "A JSON pointer into the body, or `?NAME` of the query"},
        "detail": {"type": "string"},
        "suggestion": {"type": "string", "description": "The nearest right spelling"}}}}}}
})";

constexpr std::string_view of_dags = R"({
"dag": {
  "type": "object",
  "required": ["name", "file", "description", "hash", "problems", "loaded", "paused", "generated", "schedule", "next_run", "schedule_problem", "active_runs"],
  "properties": {
    "name": {"type": "string"},
    "file": {"type": "string", "description": "Relative to the folder"},
    "description": {"type": ["string", "null"]},
    "hash": {"type": ["string", "null"], "description": "Of the version that counts for new runs; null before there is one"},
    "problems": {"type": ["string", "null"], "description": "What is wrong with the file as it is now"},
    "loaded": {"type": "string", "format": "date-time"},
    "paused": {"type": "boolean"},
    "generated": {"type": "boolean", "description": "A program prints it"},
    "schedule": {"type": ["string", "null"]},
    "next_run": {"type": ["string", "null"], "format": "date-time"},
    "schedule_problem": {"type": ["string", "null"], "description": "Why a run that is to begin did not, or will not"},
    "active_runs": {"type": "integer"}}},
"dag_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/dag"}}, "next": {"type": ["string", "null"]}}},
"dag_details": {
  "allOf": [{"$ref": "#/components/schemas/dag"}],
  "type": "object", "required": ["tasks", "params"],
  "properties": {
    "params": {"type": "object", "description": "The JSON Schema of each parameter"},
    "tasks": {"type": "array", "items": {
      "type": "object", "required": ["name", "operator", "description", "depends_on", "foreach", "pool"],
      "properties": {
        "name": {"type": "string"}, "operator": {"type": "string"}, "description": {"type": ["string", "null"]},
        "depends_on": {"type": "array", "items": {"type": "string"}},
        "foreach": {"type": "boolean"}, "pool": {"type": ["string", "null"]}}}}}},
"run_wish": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "params": {"type": "object", "description": "Values of parameters; the others have their defaults"},
    "name": {"type": "string", "maxLength": 200, "description": "For people"},
    "id": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Of this request: sent again, it gives the same run"}}}
})";

constexpr std::string_view of_runs = R"({
"origin": {
  "type": "object", "description": "Why there is the run; what is not known is left out.",
  "properties": {
    "by": {"type": "string", "description": "`api`, `cli`, `schedule`, `trigger`, `replay`, `task`, `embedded`"},
    "who": {"type": "string", "description": "Name of the token that asked"},
    "name": {"type": "string"}, "cause": {"type": "string"}, "key": {"type": "string"},
    "scheduled": {"type": "string", "format": "date-time"}}},
"run": {
  "type": "object", "required": ["run", "dag", "state", "params", "created"],
  "properties": {
    "run": {"type": "string"}, "dag": {"type": "string"},
    "state": {"enum": ["queued", "running", "paused", "cancelling", "success", "failed", "timed_out", "cancelled"]},
    "params": {"type": ["object", "null"]},
    "created": {"type": "string", "format": "date-time"},
    "started": {"type": "string", "format": "date-time"},
    "ended": {"type": "string", "format": "date-time"},
    "origin": {"$ref": "#/components/schemas/origin"},
    "tasks": {"type": "object", "description": "How many are in each state", "additionalProperties": {"type": "integer"}},
    "unconfirmed": {"type": "array", "description": "Remote jobs that may run still, for nothing has confirmed their end",
      "items": {"type": "object", "required": ["run", "task", "item", "attempt", "token", "why"], "properties": {
        "run": {"type": "string"}, "task": {"type": "string"}, "item": {"type": "integer"}, "attempt": {"type": "integer"},
        "token": {"type": "string", "description": "That it was launched with"}, "why": {}}}}}},
"run_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/run"}}, "next": {"type": ["string", "null"]}}},
"cancel_wish": {
  "type": "object", "additionalProperties": false,
  "properties": {"tasks": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 10000, "description": "Only these; none = the whole run"}}},
"retry_wish": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "tasks": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 10000, "description": "Only these; none = all that did not end well"},
    "downstream": {"type": "boolean", "description": "And everything behind them, however it ended"},
    "failed_only": {"type": "boolean", "description": "Of the tasks named only the items that did not end well"}}},
"request_outcome": {
  "type": "object", "required": ["result", "run", "carried"],
  "properties": {
    "result": {"enum": ["accepted", "repeated"]}, "run": {"type": "string"},
    "carried": {"type": "boolean", "description": "The engine is at work on the run"},
    "text": {"type": "string", "description": "Of `repeated`: why nothing has changed"}}},
"run_task": {
  "type": "object", "required": ["task", "state", "items", "counts", "attempts"],
  "properties": {
    "task": {"type": "string"}, "state": {"type": "string"}, "items": {"type": "integer"},
    "counts": {"type": "object", "description": "Items in each state", "additionalProperties": {"type": "integer"}},
    "attempts": {"type": "integer"},
    "started": {"type": "string", "format": "date-time"}, "ended": {"type": "string", "format": "date-time"},
    "output": {"description": "Of a task with one item that succeeded"},
    "error": {"description": "The last one"}}},
"run_task_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/run_task"}}, "next": {"type": ["string", "null"]}}},
"item": {
  "type": "object", "required": ["item", "state", "attempts"],
  "properties": {
    "item": {"type": "integer"}, "key": {"type": "string"}, "state": {"type": "string"}, "attempts": {"type": "integer"},
    "started": {"type": "string", "format": "date-time"}, "ended": {"type": "string", "format": "date-time"},
    "output": {}, "error": {}}},
"item_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/item"}}, "next": {"type": ["string", "null"]}}},
"attempt": {
  "type": "object", "required": ["attempt", "state"],
  "properties": {
    "attempt": {"type": "integer"},
    "state": {"type": "string", "description": "`interrupted`: it died with its engine, and another took its place"},
    "started": {"type": "string", "format": "date-time"}, "ended": {"type": "string", "format": "date-time"},
    "deferred_since": {"type": "string", "format": "date-time"}, "retry_at": {"type": "string", "format": "date-time"},
    "jobs": {"type": "array", "items": {"type": "object", "required": ["token", "job"], "properties": {
      "token": {"type": "string"}, "job": {"description": "Its id; null as long as the remote side has not said it"}}}},
    "output": {}, "error": {}}},
"attempt_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/attempt"}}, "next": {"type": "null"}}},
"reason": {
  "type": "object", "required": ["code", "text", "details"],
  "properties": {
    "code": {"type": "string", "description": "`upstream`, `pool_full`, `paused`, `retry`, `deferred`, …: programs may rely on it"},
    "text": {"type": "string"}, "details": {"type": "object"}}},
"explanation": {
  "type": "object", "required": ["run", "task", "item", "state", "reasons", "items"],
  "properties": {
    "run": {"type": "string"}, "task": {"type": "string"}, "item": {"type": ["integer", "null"]}, "state": {"type": "string"},
    "reasons": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/reason"}},
    "items": {"type": "array", "description": "Of a task with several items, unless one of them is asked about: by state, with what weighs most of the first of them",
      "items": {"type": "object", "required": ["state", "count", "example", "reason"], "properties": {
        "state": {"type": "string"}, "count": {"type": "integer"},
        "example": {"type": "integer", "description": "Position of the first of them, from 0"},
        "reason": {"$ref": "#/components/schemas/reason"}}}}}},
"rendered_input": {
  "type": "object", "required": ["run", "task", "item", "attempt", "input"],
  "properties": {
    "run": {"type": "string"}, "task": {"type": "string"}, "item": {"type": "integer"}, "attempt": {"type": "integer"}, "input": {}}},
"change": {
  "type": "object", "description": "What was and what is; null = it was or is not there.",
  "required": ["before", "after"], "properties": {
    "before": {}, "after": {},
    "more": {"type": "integer", "description": "Of the `input` of a `foreach`: how many other items differ"}}},
"run_difference": {
  "type": "object", "required": ["before", "after", "run", "dag", "params", "tasks"],
  "properties": {
    "before": {"type": "string"}, "after": {"type": "string"},
    "run": {"type": "object", "description": "State, duration and the like that differ",
            "additionalProperties": {"$ref": "#/components/schemas/change"}},
    "dag": {"type": "object", "description": "Name, hash and top-level keys of the file that differ",
            "additionalProperties": {"$ref": "#/components/schemas/change"}},
    "params": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/change"}},
    "tasks": {"type": "object", "description": "Tasks that differ, by name, and how",
              "additionalProperties": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/change"}}}}},
"log_chunk": {
  "type": "object", "required": ["position", "task", "item", "attempt", "stream", "at", "text"],
  "properties": {
    "position": {"type": "integer"}, "task": {"type": "string"}, "item": {"type": "integer"}, "attempt": {"type": "integer"},
    "stream": {"enum": ["stdout", "stderr", "engine"]}, "at": {"type": "string", "format": "date-time"},
    "text": {"type": "string", "description": "A piece, not always a line; bytes that are no UTF-8 are U+FFFD"}}},
"log_page": {
  "type": "object", "required": ["items", "last", "more"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/log_chunk"}},
    "last": {"type": "integer", "description": "For `after` of the next page"},
    "more": {"type": "boolean", "description": "There is more at this moment"}}}
})";

constexpr std::string_view of_events = R"({
"event": {
  "type": "object", "required": ["type"],
  "properties": {
    "seq": {"type": "integer", "description": "Its place in the journal; events that are not in the journal have none"},
    "type": {"type": "string"}, "run": {"type": "string"}, "dag": {"type": "string"},
    "at": {"type": "string", "format": "date-time"},
    "task": {"type": "string"}, "item": {"type": "integer"}, "attempt": {"type": "integer"}, "state": {"type": "string"}}},
"event_message": {
  "type": "object", "description": "One WebSocket message, or the `data` of one server-sent event.", "required": ["cursor", "events"],
  "properties": {
    "cursor": {"type": "string", "description": "`since` of a request that goes on from here"},
    "events": {"type": "array", "items": {"$ref": "#/components/schemas/event"}}}}
})";

constexpr std::string_view of_tasks = R"({
"task_wish": {
  "type": "object", "required": ["operator"],
  "properties": {
    "operator": {"type": "string"},
    "with": {"description": "What the operator takes"},
    "key": {"type": "string", "description": "While a task of this key is active, it is the one"},
    "name": {"type": "string", "description": "For people"},
    "scope": {"type": "string", "description": "Whose key it is: `private`, `shared` or `system`"},
    "timeout": {"type": "string", "description": "Of an attempt: `30s`, `2h`"},
    "properties": {"type": "object", "description": "Public from the start; the operator may publish more"},
    "retry": {"description": "As in a DAG file"},
    "expressions": {"type": "boolean", "description": "`${{ … }}` in `with` are expressions; otherwise they are text"}}},
"submitted_task": {
  "type": "object", "required": ["id", "operator", "scope", "created", "state"],
  "properties": {
    "id": {"type": "string"}, "operator": {"type": "string"}, "name": {"type": "string"}, "key": {"type": "string"},
    "scope": {"enum": ["private", "shared", "system"]}, "owner": {"type": "string"},
    "subscribers": {"type": "array", "items": {"type": "string"}},
    "created": {"type": "string", "format": "date-time"}, "ended": {"type": "string", "format": "date-time"},
    "state": {"type": "string"},
    "progress": {"type": "object", "properties": {"fraction": {"type": "number"}, "message": {"type": "string"}}},
    "properties": {"type": "object"}, "output": {}, "error": {}}},
"submitted_task_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/submitted_task"}}, "next": {"type": ["string", "null"]}}},
"task_cancel_wish": {
  "type": "object", "additionalProperties": false,
  "properties": {"force": {"type": "boolean", "description": "Whoever else wants it; admins only"}}},
"task_cancellation": {
  "type": "object", "required": ["id", "result"],
  "properties": {"id": {"type": "string"}, "result": {"enum": ["cancelling", "unsubscribed", "repeated", "ended"]}}},
"callback_wish": {
  "type": "object", "required": ["state"],
  "properties": {
    "state": {"enum": ["success", "failed", "running"], "description": "`running` only tells of progress, and counts as a heartbeat"},
    "output": {"description": "The answer"},
    "progress": {"description": "A number from 0 to 1, or `{fraction, message}` or `{n, of, message}`"},
    "error": {"description": "Of `failed`: a text, or an object with a `message` and perhaps a `code`"}}},
"approval": {
  "type": "object", "required": ["run", "dag", "task", "item"],
  "properties": {
    "run": {"type": "string"}, "dag": {"type": "string"}, "task": {"type": "string"}, "item": {"type": "integer"},
    "attempt": {"type": "integer"}, "message": {"type": "string"},
    "approvers": {"type": "array", "items": {"type": "string"}, "description": "Names of tokens; none = whoever may change the run"},
    "opened": {"type": "string", "format": "date-time"}}},
"approval_wish": {
  "type": "object", "additionalProperties": false, "required": ["run", "task", "approved"],
  "properties": {
    "run": {"type": "string"}, "task": {"type": "string"}, "item": {"type": "integer", "minimum": 0, "maximum": 4294967294},
    "approved": {"type": "boolean"}, "comment": {"type": "string", "maxLength": 10000}}},
"approval_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/approval"}}, "next": {"type": ["string", "null"]}}}
})";

constexpr std::string_view of_schedules = R"({
"schedule": {
  "type": "object", "required": ["dag", "schedule", "timezone", "after", "paused", "next", "last", "waiting", "problem"],
  "properties": {
    "dag": {"type": "string"}, "schedule": {"type": ["string", "null"]}, "timezone": {"type": ["string", "null"]},
    "after": {"type": "array", "items": {"type": "string"}, "description": "DAGs whose success begins a run"},
    "paused": {"type": "boolean"},
    "next": {"type": ["string", "null"], "format": "date-time"}, "last": {"type": ["string", "null"], "format": "date-time"},
    "waiting": {"type": "integer", "description": "Runs that are to begin and have not"},
    "problem": {"type": ["string", "null"], "description": "Why a run that is to begin did not, or will not"}}},
"schedule_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/schedule"}}, "next": {"type": "null"}}},
"replay_wish": {
  "type": "object", "additionalProperties": false, "required": ["dag", "from", "to"],
  "properties": {
    "dag": {"type": "string"},
    "from": {"type": "string", "format": "date-time"}, "to": {"type": "string", "format": "date-time", "description": "The last time, itself included"},
    "parallel": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "Runs at once; 1 without it"},
    "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "description": "That you choose, so that asking twice begins one replay; one is made without it"},
    "dry_run": {"type": "boolean", "description": "Only say what would be run"}}},
"replay_plan": {
  "type": "object", "required": ["dag", "runs", "times"],
  "properties": {"dag": {"type": "string"}, "runs": {"type": "integer"}, "times": {"type": "array", "items": {"type": "string", "format": "date-time"}}}},
"replay": {
  "type": "object", "required": ["id", "dag", "from", "to", "parallel", "who", "created", "state", "runs", "begun", "active", "succeeded", "failed", "problem"],
  "properties": {
    "id": {"type": "string"}, "dag": {"type": "string"},
    "from": {"type": "string", "format": "date-time"}, "to": {"type": "string", "format": "date-time"},
    "parallel": {"type": "integer"}, "who": {"type": "string"}, "created": {"type": "string", "format": "date-time"},
    "state": {"enum": ["running", "done", "cancelled", "failed"]},
    "runs": {"type": "integer", "description": "That it plans"}, "begun": {"type": "integer"}, "active": {"type": "integer"},
    "succeeded": {"type": "integer"}, "failed": {"type": "integer"},
    "problem": {"type": ["string", "null"]}}},
"replay_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/replay"}}, "next": {"type": "null"}}}
})";

constexpr std::string_view of_the_engine = R"({
"pool": {
  "type": "object", "required": ["name", "slots", "declared", "resized", "used", "waiting", "by"],
  "properties": {
    "name": {"type": "string"}, "slots": {"type": "integer"},
    "declared": {"type": "integer", "description": "By the DAGs of the runs under way, the smallest; 0 = by none of them"},
    "resized": {"type": "boolean", "description": "`slots` is what somebody set"},
    "used": {"type": "integer"}, "waiting": {"type": "integer", "description": "Attempts that nothing but the pool holds back"},
    "by": {"type": "array", "items": {"type": "object", "required": ["run", "slots"],
           "properties": {"run": {"type": "string"}, "slots": {"type": "integer"}}}}}},
"pool_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/pool"}}, "next": {"type": "null"}}},
"pool_wish": {
  "type": "object", "additionalProperties": false, "required": ["slots"],
  "properties": {"slots": {"type": "integer", "minimum": 1, "maximum": 1000000}}},
"backend": {
  "type": "object",
  "required": ["name", "watchers", "jobs_waiting", "calls", "call_failures", "throttled", "calls_under_way", "calls_allowed", "stuck_ms"],
  "properties": {
    "name": {"type": "string"}, "watchers": {"type": "integer"},
    "jobs_waiting": {"type": "integer", "description": "That attempts wait for"},
    "calls": {"type": "integer", "description": "That asked about jobs"},
    "call_failures": {"type": "integer"}, "throttled": {"type": "integer", "description": "Times that fewer calls were asked for"},
    "calls_under_way": {"type": "integer"}, "calls_allowed": {"type": "integer", "description": "At once, at the present pace"},
    "stuck_ms": {"type": "integer", "description": "How long calls have been under way with none ending"}}},
"backend_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/backend"}}, "next": {"type": "null"}}},
"operator_summary": {
  "type": "object", "required": ["name", "kind", "summary"],
  "properties": {"name": {"type": "string"}, "kind": {"enum": ["operator", "sensor"]}, "summary": {"type": "string"}}},
"operator_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/operator_summary"}}, "next": {"type": "null"}}},
"operator": {
  "allOf": [{"$ref": "#/components/schemas/operator_summary"}],
  "type": "object", "required": ["schema", "late", "late_names", "example"],
  "properties": {
    "schema": {"type": "object", "description": "JSON Schema of a task's `with`"},
    "late": {"type": "array", "items": {"type": "string"}}, "late_names": {"type": "array", "items": {"type": "string"}},
    "example": {"type": "string"}}},
"health": {
  "type": "object", "required": ["status", "problems"],
  "properties": {
    "status": {"enum": ["good", "stuck"]}, "problems": {"type": "array", "items": {"type": "string"}},
    "loop": {"type": "object"}, "journal": {"type": "object"}, "watchers": {"type": "array"}}},
"readiness": {
  "type": "object", "required": ["ready"], "properties": {"ready": {"type": "boolean"}}},
"openapi": {
  "type": "object", "required": ["openapi", "info", "paths", "components"], "properties": {"openapi": {"type": "string"}}}
})";

constexpr std::string_view of_access = R"({
"self": {
  "type": "object", "required": ["name", "shown", "role", "token"],
  "properties": {
    "name": {"type": "string", "description": "Of the token; empty = the local user"}, "shown": {"type": "string"},
    "role": {"enum": ["viewer", "user", "admin"]}, "token": {"type": ["string", "null"], "description": "Its id"}}},
"token": {
  "type": "object", "required": ["id", "name", "role", "created", "expires", "revoked"],
  "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "role": {"enum": ["viewer", "user", "admin"]},
    "created": {"type": "string", "format": "date-time"},
    "expires": {"type": ["string", "null"], "format": "date-time"}, "revoked": {"type": ["string", "null"], "format": "date-time"}}},
"token_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/token"}}, "next": {"type": ["string", "null"]}}},
"token_wish": {
  "type": "object", "additionalProperties": false, "required": ["name", "role"],
  "properties": {
    "name": {"type": "string", "description": "Of the user: tokens of one name are one user"},
    "role": {"enum": ["viewer", "user", "admin"]},
    "expires": {"type": "string", "description": "A time, or a duration from now (`90d`); without it, never"}}},
"new_token": {
  "allOf": [{"$ref": "#/components/schemas/token"}],
  "type": "object", "required": ["text"],
  "properties": {"text": {"type": "string", "description": "What to send as `Authorization: Bearer TEXT`; it is shown this once"}}},
"audit_entry": {
  "type": "object", "required": ["at", "who", "token", "from", "action", "target", "status"],
  "properties": {
    "at": {"type": "string", "format": "date-time"}, "who": {"type": "string"}, "token": {"type": ["string", "null"]},
    "from": {"type": "string", "description": "Address of the caller"},
    "action": {"type": "string", "description": "Operation id"}, "target": {"type": "string", "description": "Path"},
    "status": {"type": "integer"}, "detail": {"type": "string", "description": "Of what was refused: why"}}},
"audit_list": {
  "type": "object", "required": ["items", "next"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/audit_entry"}}, "next": {"type": ["string", "null"]}}}
})";

json::object all_schemas()
{
    json::object all;
    for (const std::string_view text :
         {of_problems, of_dags, of_runs, of_events, of_tasks, of_schedules, of_the_engine, of_access}) {
        const json::value part = json::parse(json::string_view(text.data(), text.size()));
        for (const auto& member : part.as_object())
            all.emplace(member.key(), member.value());
    }
    return all;
}

} // namespace

const json::object& schemas()
{
    static const json::object all = all_schemas();
    return all;
}

const graph::compiled_schema& schema_named(std::string_view name)
{
    static std::map<std::string, graph::compiled_schema, std::less<>> compiled;
    const auto found = compiled.find(name);
    if (found != compiled.end())
        return found->second;
    if (!schemas().contains(name))
        throw std::out_of_range("the API has no schema " + std::string(name));
    const json::object whole{
        {"allOf", json::array{json::object{{"$ref", "#/components/schemas/" + std::string(name)}}}},
        {"components", json::object{{"schemas", schemas()}}}};
    return compiled.emplace(name, graph::compiled_schema(whole)).first->second;
}

} // namespace potoo::server
