#include "engine/host/control_request.hpp"

#include "engine/host/pool_json.hpp"
#include "engine/host/why_json.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/runtime/attempt_result.hpp"

#include <potoo/json_members.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace potoo::host {

namespace {

using result_kind = request_result::kind;

constexpr result_kind result_kinds[]{result_kind::accepted, result_kind::repeated, result_kind::ended,
                                     result_kind::unknown,  result_kind::invalid,  result_kind::conflict};

/// The request itself is wrong.
class bad_request : public std::runtime_error
{
  public:
    explicit bad_request(const std::string& text) : std::runtime_error(text) {}
};

std::string text_member(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(json::string_view(name.data(), name.size()));
    if (!v || !v->is_string())
        throw bad_request(fmt::format("the request wants a string `{}`", name));
    return std::string(v->get_string());
}

std::string to_line(const request_result& r)
{
    const auto what = to_string(r.what);
    json::object o{{"result", json::string_view(what.data(), what.size())}};
    if (!r.run.value().empty())
        o["run"] = r.run.value();
    if (!r.state.empty())
        o["state"] = r.state;
    if (!r.text.empty())
        o["text"] = r.text;
    if (r.carried)
        o["carried"] = true;
    return json::serialize(o);
}

std::vector<std::string> tasks_of(const json::object& request)
{
    std::vector<std::string> names;
    const json::value* tasks = request.if_contains("tasks");
    if (!tasks)
        return names;
    if (!tasks->is_array())
        throw bad_request("`tasks` of the request is no list");
    for (const json::value& t : tasks->get_array()) {
        if (!t.is_string())
            throw bad_request("`tasks` of the request holds something that is no name");
        names.emplace_back(t.get_string());
    }
    return names;
}

std::string run_of_request(const json::object& request)
{
    std::string run = text_member(request, "run");
    if (run.empty())
        throw bad_request("the request names no run");
    return run;
}

bool flag(const json::object& request, const char* name)
{
    const json::value* v = request.if_contains(name);
    if (v && !v->is_bool())
        throw bad_request(fmt::format("`{}` of the request is neither true nor false", name));
    return v && v->get_bool();
}

std::uint32_t slots_of(const json::object& request)
{
    const json::value* v = request.if_contains("slots");
    boost::system::error_code ec;
    const auto slots = v ? v->to_number<std::uint32_t>(ec) : 0;
    if (!v || ec)
        throw bad_request("`slots` of the request is no count");
    return slots;
}

callback_delivery delivery_of(const json::object& request)
{
    callback_delivery d{text_member(request, "token"), true, text_member(request, "data")};
    const std::string state = text_member(request, "state");
    if (state != "success" && state != "failed")
        throw bad_request("`state` of the request is neither success nor failed");
    d.success = state == "success";
    return d;
}

journal::retention rules_of(const json::object& request)
{
    journal::retention rules;
    if (const json::value* n = request.if_contains("keep_runs")) {
        boost::system::error_code ec;
        rules.keep_runs = n->to_number<std::uint32_t>(ec);
        if (ec)
            throw bad_request("`keep_runs` of the request is no count");
    }
    if (request.contains("keep_for")) {
        rules.keep_for = parse_duration(text_member(request, "keep_for"));
        if (!rules.keep_for)
            throw bad_request("`keep_for` of the request is no duration");
    }
    if (!rules.keep_runs && !rules.keep_for)
        throw bad_request("the request names no rule");
    return rules;
}

task<std::string> collect(engine_host& engine, journal::retention rules)
{
    const auto removed = co_await engine.collect(std::move(rules));
    co_return json::serialize(json::object{
        {"result", "accepted"}, {"runs", removed.runs}, {"records", removed.records}, {"logs", removed.logs}});
}

std::optional<item_index> item_of(const json::object& request)
{
    const json::value* v = request.if_contains("item");
    boost::system::error_code ec;
    const auto item = v ? v->to_number<std::uint32_t>(ec) : 0;
    if (ec)
        throw bad_request("`item` of the request is no position");
    return v ? std::optional(item_index(item)) : std::nullopt;
}

std::string explain(const engine_host& engine, const json::object& request)
{
    json::object answer{{"result", "accepted"}};
    const run_id run(run_of_request(request));
    if (const auto said = engine.why(run, text_member(request, "task"), item_of(request)))
        answer["why"] = explanation_json(*said);
    return json::serialize(answer);
}

task<request_result> set_paused(engine_host& engine, std::string run, bool paused)
{
    return paused ? engine.pause_on_request(std::move(run)) : engine.unpause_on_request(std::move(run));
}

task<std::string> dispatch(engine_host& engine, std::string line)
{
    json::value parsed = json::parse(line);
    if (!parsed.is_object())
        throw bad_request("the request is no JSON object");
    const json::object request = std::move(parsed.get_object());
    const std::string verb = text_member(request, "verb");
    if (verb == "ping") {
        co_await engine.committed();
        co_return to_line({});
    }
    if (verb == "cancel") {
        std::string run = run_of_request(request);
        std::vector<std::string> tasks = tasks_of(request);
        const auto result = co_await engine.cancel_on_request(std::move(run), std::move(tasks));
        co_return to_line(result);
    }
    if (verb == "pause" || verb == "unpause") {
        std::string run = run_of_request(request);
        const auto result = co_await set_paused(engine, std::move(run), verb == "pause");
        co_return to_line(result);
    }
    if (verb == "retry") {
        std::string run = run_of_request(request);
        retry_wish wish{tasks_of(request), flag(request, "downstream"), flag(request, "failed_only")};
        const auto result = co_await engine.retry_on_request(std::move(run), std::move(wish));
        co_return to_line(result);
    }
    if (verb == "remove") {
        std::string run = run_of_request(request);
        const auto result = co_await engine.remove_on_request(std::move(run));
        co_return to_line(result);
    }
    if (verb == "pool") {
        std::string name = text_member(request, "name");
        const std::uint32_t slots = slots_of(request);
        const auto result = co_await engine.resize_pool(std::move(name), slots);
        co_return to_line(result);
    }
    if (verb == "pool_reset") {
        std::string name = text_member(request, "name");
        const auto result = co_await engine.reset_pool(std::move(name));
        co_return to_line(result);
    }
    if (verb == "complete") {
        callback_delivery delivered = delivery_of(request);
        const auto result = co_await engine.complete_on_request(std::move(delivered));
        co_return to_line(result);
    }
    if (verb == "why")
        co_return explain(engine, request);
    if (verb == "pools")
        co_return json::serialize(json::object{{"result", "accepted"}, {"pools", pools_json(engine.pools())}});
    if (verb == "gc") {
        journal::retention rules = rules_of(request);
        auto answer = co_await collect(engine, std::move(rules));
        co_return answer;
    }
    throw bad_request(fmt::format("the request's verb `{}` is not known to this engine", verb));
}

std::string failed(std::string_view text)
{
    return json::serialize(json::object{{"result", "failed"}, {"text", json::string_view(text.data(), text.size())}});
}

json::object read_answer(const std::string& line)
{
    boost::system::error_code ec;
    json::value parsed = json::parse(line, ec);
    if (ec || !parsed.is_object() || !parsed.get_object().contains("result") ||
        !parsed.get_object().at("result").is_string())
        throw bad_answer("the engine's answer makes no sense; is it another version of potoo?");
    json::object& o = parsed.get_object();
    if (o.at("result").get_string() != "failed")
        return std::move(o);
    const json::value* text = o.if_contains("text");
    throw bad_answer(text && text->is_string() ? std::string(text->get_string()) : "the engine could not do it");
}

/// Of a question: it is answered, or it was wrong.
json::object read_accepted(const std::string& line)
{
    json::object o = read_answer(line);
    if (text_in(o, "result") != "accepted")
        throw bad_answer(text_in(o, "text"));
    return o;
}

} // namespace

json::object ping_request()
{
    return {{"verb", "ping"}};
}

json::object cancel_request(const run_id& run, const std::vector<std::string>& tasks)
{
    json::array names;
    for (const std::string& t : tasks)
        names.emplace_back(t);
    return {{"verb", "cancel"}, {"run", run.value()}, {"tasks", std::move(names)}};
}

json::object pause_request(const run_id& run, bool paused)
{
    return {{"verb", paused ? "pause" : "unpause"}, {"run", run.value()}};
}

json::object retry_request(const run_id& run, const retry_wish& wish)
{
    json::array names;
    for (const std::string& t : wish.tasks)
        names.emplace_back(t);
    return {{"verb", "retry"},
            {"run", run.value()},
            {"tasks", std::move(names)},
            {"downstream", wish.downstream},
            {"failed_only", wish.failed_only}};
}

json::object remove_request(const run_id& run)
{
    return {{"verb", "remove"}, {"run", run.value()}};
}

json::object pool_request(const std::string& name, std::uint32_t slots)
{
    return {{"verb", "pool"}, {"name", name}, {"slots", slots}};
}

json::object pool_reset_request(const std::string& name)
{
    return {{"verb", "pool_reset"}, {"name", name}};
}

json::object complete_request(const callback_delivery& delivered)
{
    return {{"verb", "complete"},
            {"token", delivered.token},
            {"state", delivered.success ? "success" : "failed"},
            {"data", delivered.data}};
}

json::object why_request(const run_id& run, const std::string& task, std::optional<item_index> item)
{
    json::object out{{"verb", "why"}, {"run", run.value()}, {"task", task}};
    if (item)
        out["item"] = item->value();
    return out;
}

json::object pools_request()
{
    return {{"verb", "pools"}};
}

json::object collect_request(const journal::retention& rules)
{
    json::object out{{"verb", "gc"}};
    if (rules.keep_runs)
        out["keep_runs"] = *rules.keep_runs;
    if (rules.keep_for)
        out["keep_for"] = format_duration(*rules.keep_for);
    return out;
}

task<std::string> carry_out_request(engine_host& engine, std::string line)
{
    try {
        auto answer = co_await dispatch(engine, std::move(line));
        co_return answer;
    } catch (const bad_request& e) {
        co_return to_line({result_kind::invalid, {}, {}, e.what()});
    } catch (const task_error& e) {
        co_return to_line({result_kind::invalid, {}, {}, e.what()});
    } catch (const boost::system::system_error& e) {
        co_return to_line(
            {result_kind::invalid, {}, {}, fmt::format("the request is no JSON: {}", e.code().message())});
    } catch (const std::exception& e) {
        co_return failed(e.what());
    }
}

request_result result_of_answer(const std::string& line)
{
    const json::object o = read_answer(line);
    const std::string what = text_in(o, "result");
    request_result r;
    const auto found = std::find_if(std::begin(result_kinds), std::end(result_kinds),
                                    [&](result_kind k) { return to_string(k) == what; });
    if (found == std::end(result_kinds))
        throw bad_answer(
            fmt::format("the engine's answer `{}` is not known here; is it another version of potoo?", what));
    r.what = *found;
    r.run = run_id(text_in(o, "run"));
    r.state = text_in(o, "state");
    r.text = text_in(o, "text");
    r.carried = o.contains("carried");
    return r;
}

journal::pruned collected_by_answer(const std::string& line)
{
    const json::object o = read_accepted(line);
    const auto count = [&o](const char* name) {
        boost::system::error_code ec;
        const json::value* v = o.if_contains(name);
        const auto n = v ? v->to_number<std::size_t>(ec) : 0;
        return ec ? std::size_t{0} : n;
    };
    journal::pruned p;
    p.runs = count("runs");
    p.records = count("records");
    p.logs = count("logs");
    return p;
}

json::array pools_of_answer(const std::string& line)
{
    json::object o = read_accepted(line);
    json::value* pools = o.if_contains("pools");
    if (!pools || !pools->is_array())
        throw bad_answer("the engine's answer names no pools; is it another version of potoo?");
    return std::move(pools->get_array());
}

std::optional<json::object> why_of_answer(const std::string& line)
{
    json::object o = read_accepted(line);
    json::value* why = o.if_contains("why");
    return why && why->is_object() ? std::optional(std::move(why->get_object())) : std::nullopt;
}

} // namespace potoo::host
