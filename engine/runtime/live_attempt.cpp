#include "engine/runtime/live_attempt.hpp"

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace potoo::runtime {
namespace {

constexpr std::size_t max_log_size = std::size_t{64} << 20;

/// Facts are found by name; this keeps them apart from the steps, which are found by number.
constexpr std::uint32_t no_step = std::numeric_limits<std::uint32_t>::max();

[[noreturn]] void throw_recorded_failure(const json::value& error)
{
    const json::object& o = error.as_object();
    const std::string message(o.at("message").as_string());
    const std::string code(o.contains("code") ? std::string(o.at("code").as_string()) : std::string());
    const std::string_view c = o.at("class").as_string();
    if (c == "fatal")
        throw fatal(message, code);
    if (c == "unknown_outcome")
        throw unknown_outcome(message, code);
    if (c == "skip")
        throw skip(message);
    throw failure(message, code);
}

} // namespace

live_attempt::live_attempt(run_executor& owner, task_index task, item_index item, attempt_number number,
                           std::vector<journal::record> recorded, std::optional<wall_time> first_started)
    : execution(owner.services().loop, owner.interned_name(task)), owner_(owner), task_(task), item_(item),
      number_(number), started_(owner.services().loop.now()),
      token_(make_launch_token(owner.id(), owner.dag()[task].name, owner.values().item_name(task, item), number)),
      names_(&owner.names()), recorded_(std::move(recorded))
{
    // A replay goes on with the time that is left.
    if (first_started)
        started_ -= std::max(owner.services().loop.wall_now() - *first_started, duration{0});
}

live_attempt::~live_attempt()
{
    if (armed())
        loop().disarm(*this);
}

const run_id& live_attempt::run() const noexcept
{
    return owner_.id();
}

std::string_view live_attempt::task_name() const noexcept
{
    return owner_.dag()[task_].name;
}

void live_attempt::render()
{
    const prepared_task& prepared = owner_.prepared(task_);
    number_value_ = number_.value();
    token_value_ = json::string(token_.value());
    names_.set("attempt", number_value_).set("launch_token", token_value_);
    if (owner_.dag()[task_].foreach) {
        item_index_value_ = item_.value();
        names_.set("item", owner_.values().item(task_, item_)).set("item_index", item_index_value_);
    }
    input_ = prepared.render_input(names_);
    environment_ = prepared.render_environment(names_);
}

void live_attempt::start()
{
    const auto& spec = owner_.dag()[task_];
    deadline_ = owner_.deadline();
    try {
        render();
        if (spec.timeout) {
            deadline_ = std::min(deadline_, started_ + *spec.timeout);
            loop().arm(*this, started_ + *spec.timeout);
        }
        coroutine_ = owner_.prepared(task_).op().run(*this);
        if (!coroutine_)
            throw fatal("the operator returned no coroutine");
    } catch (...) {
        result_ = result_of(std::current_exception(), cancel_reason::none, false);
        owner_.attempt_has_ended(*this);
        return;
    }
    task_access<json::value>::start(coroutine_, *this);
}

void live_attempt::on_due()
{
    timed_out_ = cancel_requested() == cancel_reason::none;
    cancel(cancel_reason::deadline);
}

void live_attempt::on_end() noexcept
{
    if (armed())
        loop().disarm(*this);
    auto& outcome = task_access<json::value>::result(coroutine_);
    if (auto e = outcome.error())
        result_ = result_of(e, cancel_requested(), timed_out_);
    else
        result_.output = outcome.take();
    for (auto [lines, stream] :
         {std::pair(&out_lines_, journal::log_stream::out), {&err_lines_, journal::log_stream::err}}) {
        if (std::string rest = lines->take_rest(); !rest.empty())
            add_log(stream, std::move(rest));
    }
    if (!unconfirmed_.empty() && result_.outcome != schedule::attempt_outcome::success)
        result_.error["remote"] = "unconfirmed";
    if (log_dropped_ > 0)
        owner_.add_log(*this, journal::log_stream::engine,
                       fmt::format("{} more bytes of log were not kept (the limit is {} bytes, less when the journal "
                                   "cannot keep up)\n",
                                   log_dropped_, max_log_size));
    owner_.attempt_has_ended(*this);
}

std::optional<value_template> live_attempt::late(std::string_view property) const
{
    return owner_.prepared(task_).late(property);
}

const json::object* live_attempt::connection(std::string_view name)
{
    return owner_.connection(name);
}

http_client& live_attempt::http() noexcept
{
    return owner_.services().http;
}

process_runner& live_attempt::processes() noexcept
{
    return owner_.services().processes;
}

double live_attempt::random() noexcept
{
    return std::uniform_real_distribution<double>(0, 1)(owner_.services().entropy);
}

void live_attempt::add_log(journal::log_stream stream, std::string text)
{
    if (logged_ >= max_log_size || owner_.services().log.over_limit()) {
        log_dropped_ += text.size();
        return;
    }
    logged_ += text.size();
    owner_.add_log(*this, stream, std::move(text));
}

void live_attempt::log(std::string_view line)
{
    add_log(journal::log_stream::engine, std::string(line) + "\n");
}

void live_attempt::log_output(output_stream stream, std::string_view piece)
{
    const bool err = stream == output_stream::standard_error;
    if (std::string whole = (err ? err_lines_ : out_lines_).add(piece); !whole.empty())
        add_log(err ? journal::log_stream::err : journal::log_stream::out, std::move(whole));
}

void live_attempt::progress(double fraction, std::string_view message)
{
    owner_.note_progress(*this, std::clamp(fraction, 0.0, 1.0), message);
}

void live_attempt::set_deferred(bool deferred)
{
    if (deferred == deferred_)
        return;
    deferred_ = deferred;
    owner_.note_deferred(*this, deferred);
}

std::shared_ptr<void>& live_attempt::shared_slot(std::type_index type, const std::string& key)
{
    return owner_.services().shared.slot(type, key);
}

void live_attempt::mark_unconfirmed(std::string_view why)
{
    unconfirmed_ = why;
    log(fmt::format("the remote side has not confirmed that the job stopped: {}", why));
}

std::string live_attempt::path_of(const branch& b) const
{
    std::string path;
    for (const branch* x = &b; x->parent(); x = x->parent())
        path = path.empty() ? std::to_string(x->position()) : fmt::format("{}.{}", x->position(), path);
    return path;
}

const journal::record* live_attempt::find_step(const std::string& path, std::uint32_t step) const
{
    const auto found = std::find_if(recorded_.begin(), recorded_.end(), [&](const journal::record& r) {
        return r.kind == journal::record_kind::step_recorded && r.branch == path && r.step == step;
    });
    return found == recorded_.end() ? nullptr : &*found;
}

journal::record live_attempt::make_record(journal::record_kind kind, std::string name) const
{
    journal::record r;
    r.kind = kind;
    r.task = task_;
    r.item = item_;
    r.attempt = number_;
    r.name = std::move(name);
    return r;
}

task<> live_attempt::commit(journal::record r)
{
    const journal::position p = owner_.append(std::move(r));
    co_await owner_.services().log.reached(p);
}

task<json::value> live_attempt::step(std::string name, task<json::value> work)
{
    branch& here = co_await this_branch();
    std::string path = path_of(here);
    const std::uint32_t number = next_step_[path]++;
    if (const journal::record* before = find_step(path, number)) {
        if (before->name != name)
            throw fatal(fmt::format("the operator has changed: its step {} was recorded as `{}` and is now `{}`; "
                                    "retry the task to run it from the start",
                                    number, before->name, name),
                        "operator_changed");
        const json::value value = parse_recorded(before->data);
        if (before->state == journal::recorded_state::failed)
            throw_recorded_failure(value);
        co_return value;
    }
    journal::record r = make_record(journal::record_kind::step_recorded, std::move(name));
    r.branch = std::move(path);
    r.step = number;
    r.state = journal::recorded_state::success;
    json::value value;
    std::exception_ptr failed;
    try {
        value = co_await std::move(work);
    } catch (const task_error&) {
        failed = std::current_exception();
    }
    if (failed) {
        r.state = journal::recorded_state::failed;
        r.data = json::serialize(result_of(failed, cancel_reason::none, false).error);
    } else {
        owner_.mask().clean(value);
        r.data = json::serialize(value);
    }
    co_await commit(std::move(r));
    if (failed)
        std::rethrow_exception(failed);
    co_return value;
}

std::optional<json::value> live_attempt::recorded(std::string_view name) const
{
    const auto found = std::find_if(recorded_.rbegin(), recorded_.rend(), [&](const journal::record& r) {
        return to_string(r.kind) == name || (r.kind == journal::record_kind::step_recorded && r.name == name);
    });
    if (found == recorded_.rend())
        return std::nullopt;
    return found->kind == journal::record_kind::launch_intent ? json::value(json::string(found->name))
                                                              : parse_recorded(found->data);
}

task<> live_attempt::record(std::string name, json::value fact)
{
    journal::record r = make_record(journal::record_kind::step_recorded, name);
    if (name == to_string(journal::record_kind::launch_intent)) {
        r.kind = journal::record_kind::launch_intent;
        r.name = token_.value();
    } else if (name == to_string(journal::record_kind::launch_recorded)) {
        r.kind = journal::record_kind::launch_recorded;
        r.name = token_.value();
        r.data = json::serialize(fact);
    } else {
        owner_.mask().clean(fact);
        r.state = journal::recorded_state::success;
        r.step = no_step;
        r.data = json::serialize(fact);
    }
    recorded_.push_back(r);
    co_await commit(std::move(r));
}

} // namespace potoo::runtime
