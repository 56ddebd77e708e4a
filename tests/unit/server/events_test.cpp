/// What subscribers of the event feed are told.

#include "engine/server/events/event_feed.hpp"
#include "tests/unit/host/engine_at.hpp"
#include "tests/unit/journal/stores_under_test.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/context.hpp>
#include <potoo/json.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::journal;
using namespace potoo::journal::samples;
using namespace std::chrono_literals;

namespace {

using seqs = std::vector<std::uint64_t>;

task<json::value> do_nothing(context&)
{
    co_return json::value();
}

POTOO_OPERATOR("events_nothing", do_nothing, {.summary = "Does nothing."})

/// Reads what a subscription gives, for as long as it is let.
class follower
{
  public:
    follower(potoo::loop& l, std::unique_ptr<subscription> s) : subscription_(std::move(s)), reading_(l, read()) {}

    void pause() { paused_ = true; }

    void go_on()
    {
        paused_ = false;
        let_on_.increment();
    }

    [[nodiscard]] std::vector<json::object> events() const
    {
        std::vector<json::object> result;
        for (const auto& message : messages_)
            for (const auto& e : message.at("events").as_array())
                result.push_back(e.as_object());
        return result;
    }

    [[nodiscard]] seqs seen() const
    {
        seqs result;
        for (const auto& e : events())
            if (e.contains("seq"))
                result.push_back(e.at("seq").to_number<std::uint64_t>());
        return result;
    }

    [[nodiscard]] std::string types() const
    {
        std::string result;
        for (const auto& e : events())
            result.append(result.empty() ? "" : " ").append(e.at("type").as_string());
        return result;
    }

    [[nodiscard]] std::string end() const { return end_; }

    std::vector<json::object> messages_;
    std::vector<event_batch> batches_;

  private:
    task<> read()
    {
        for (;;) {
            if (paused_)
                co_await let_on_.reached(let_on_.value() + 1);
            auto batch = co_await subscription_->next();
            messages_.push_back(json::parse(*batch.text).as_object());
            BOOST_TEST(batch.text->find('\n') == std::string::npos);
            BOOST_TEST(messages_.back().at("cursor").as_string() == std::to_string(batch.cursor.value()));
            end_ = batch.end;
            batches_.push_back(std::move(batch));
            if (!end_.empty())
                co_return;
        }
    }

    std::unique_ptr<subscription> subscription_;
    bool paused_ = false;
    counter let_on_;
    std::string end_;
    test::runner<void> reading_;
};

template <class Under>
struct stream : test::fixture
{
    explicit stream(feed_limits limits = {}) : store(under.open()), feed(loop, store, limits) {}

    void append(const batch& b)
    {
        store.append(b);
        feed.journal_grown();
    }

    void append(std::vector<record> records)
    {
        batch b;
        b.records = std::move(records);
        append(b);
    }

    std::unique_ptr<follower> follow(event_filter filter = {}, std::optional<std::uint64_t> since = 0)
    {
        auto made = std::make_unique<follower>(
            loop, feed.subscribe(std::move(filter), since ? std::optional(record_seq(*since)) : std::nullopt));
        loop.run_present();
        return made;
    }

    /// All that is to be told.
    [[nodiscard]] seqs told_of()
    {
        seqs result;
        store.records_since(record_seq(0), 0, [&](record_seq seq, const record& r) {
            if (type_of(r.kind))
                result.push_back(seq.value());
            return true;
        });
        return result;
    }

    Under under;
    store& store;
    event_feed feed;
};

record started(std::uint32_t run, std::uint32_t task, std::uint32_t item, std::int64_t at = 10)
{
    auto r = of_item(record_kind::attempt_started, task, item, 1, at);
    r.run = run_number(run);
    return r;
}

record ended_in(std::uint32_t run, std::uint32_t task, std::uint32_t item, recorded_state state, std::string data = {})
{
    auto r = ended(task, item, 1, state, 20, std::move(data));
    r.run = run_number(run);
    return r;
}

/// Runs 1 and 2 of `nightly`, and 3 of `hourly`.
batch three_runs()
{
    batch b;
    b.runs.push_back(sample_run(run_number(1), "aaa1"));
    b.runs.push_back(sample_run(run_number(2), "aab2"));
    b.runs[1].origin = R"({"by":"api","who":"anna"})";
    auto other = std::make_shared<dag_document>(*sample_dag());
    other->name = "hourly";
    b.runs.push_back(sample_run(run_number(3), "bbb3", other));
    for (std::uint32_t run = 1; run <= 3; ++run)
        b.records.push_back(of_run(record_kind::run_created, run_number(run)));
    return b;
}

run_notice progress(const run_id& run, double fraction, std::uint32_t item = 0)
{
    run_notice n;
    n.what = run_notice::kind::progress;
    n.run = &run;
    n.dag = "nightly";
    n.task = "align";
    n.item = item_index(item);
    n.attempt = attempt_number(1);
    n.fraction = fraction;
    n.text = "at it";
    return n;
}

seqs part(const seqs& all, std::size_t from)
{
    return {all.begin() + static_cast<std::ptrdiff_t>(from), all.end()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_stream)

BOOST_AUTO_TEST_CASE_TEMPLATE(first_message_comes_at_once_and_has_the_cursor, Under, stores)
{
    stream<Under> t;
    t.append(three_runs());
    const auto one = t.follow({}, std::nullopt);
    BOOST_REQUIRE(one->messages_.size() == 1U);
    BOOST_TEST(json::serialize(one->messages_[0]) == R"({"cursor":"3","events":[]})");
    BOOST_TEST(one->end().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_change_is_seen_once_in_order, Under, stores)
{
    stream<Under> t;
    const auto early = t.follow();
    t.append(three_runs());
    for (std::uint32_t i = 0; i < 2'000; ++i) {
        t.append({started(1 + i % 3, 1, i), ended_in(1 + i % 3, 1, i, recorded_state::success)});
        if (i % 7 == 0)
            t.loop.run();
    }
    t.loop.run();
    const auto late = t.follow();
    t.loop.run();
    const auto all = t.told_of();
    BOOST_TEST(all.size() == 4'003U);
    BOOST_TEST((early->seen() == all));
    BOOST_TEST((late->seen() == all));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(subscriber_goes_on_exactly_at_its_cursor, Under, stores)
{
    stream<Under> t({.records_at_once = 3});
    const auto keeper = t.follow();
    t.append(three_runs());
    for (std::uint32_t i = 0; i < 20; ++i)
        t.append({started(1, 1, i), ended_in(1, 1, i, recorded_state::success)});
    t.loop.run();
    const auto all = t.told_of();
    for (std::size_t n = 0; n <= all.size(); ++n) {
        const auto again = t.follow({}, n == 0 ? 0 : all[n - 1]);
        t.loop.run();
        BOOST_TEST((again->seen() == part(all, n)), n);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_change_of_many_short_runs_is_seen_once, Under, stores)
{
    stream<Under> t;
    const auto early = t.follow();
    batch b;
    for (std::uint32_t run = 1; run <= 200; ++run) {
        b.runs.push_back(sample_run(run_number(run), "run" + std::to_string(run)));
        b.records.push_back(of_run(record_kind::run_created, run_number(run)));
        b.records.push_back(of_run(record_kind::run_ended, run_number(run), 1, recorded_state::success));
    }
    t.append(b);
    t.loop.run();
    const auto late = t.follow();
    t.loop.run();
    BOOST_TEST((early->seen() == t.told_of()));
    BOOST_TEST((late->seen() == t.told_of()));
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_or_doubled_where_history_meets_the_present)
{
    const auto holds = rc::check([] {
        stream<memory_under_test> t({.window_bytes = *rc::gen::element<std::size_t>(1, 2'000, 1'000'000),
                                     .records_at_once = *rc::gen::inRange<std::size_t>(1, 5)});
        const auto keeper = t.follow({}, std::nullopt);
        t.append(three_runs());
        std::vector<std::pair<std::uint64_t, std::unique_ptr<follower>>> followers;
        const auto actions = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
        std::uint32_t item = 0;
        for (const int action : actions) {
            if (action == 0)
                t.append({started(1, 1, item++)});
            if (action == 1)
                t.loop.step();
            if (action == 2)
                t.loop.run();
            if (action == 3) {
                const auto since = *rc::gen::inRange<std::uint64_t>(0, t.store.last_seq().value() + 1);
                followers.emplace_back(since,
                                       std::make_unique<follower>(t.loop, t.feed.subscribe({}, record_seq(since))));
            }
        }
        t.loop.run();
        for (const auto& [begin, f] : followers) {
            auto wanted = t.told_of();
            std::erase_if(wanted, [since = begin](std::uint64_t seq) { return seq <= since; });
            const auto seen = f->seen();
            if (f->end() == "lagging")
                RC_ASSERT(seen.size() <= wanted.size() && std::equal(seen.begin(), seen.end(), wanted.begin()));
            else
                RC_ASSERT(seen == wanted);
        }
    });
    BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(without_a_cursor_it_begins_now)
{
    stream<memory_under_test> t;
    t.append(three_runs());
    const auto one = t.follow({}, std::nullopt);
    t.append({started(1, 0, 0)});
    t.loop.run();
    BOOST_TEST((one->seen() == seqs{4}));
}

BOOST_AUTO_TEST_CASE(an_event_tells_what_has_changed_and_no_more)
{
    stream<memory_under_test> t;
    t.append(three_runs());
    const auto one = t.follow({}, std::nullopt);
    auto opened = of_item(record_kind::callback_opened, 1, 7, 1, 12);
    opened.data = R"("secret token")";
    auto step = of_item(record_kind::step_recorded, 1, 7, 1, 12);
    step.data = R"("result")";
    auto retry = of_item(record_kind::retry_scheduled, 1, 7, 1, 20);
    retry.number = instant(90).time_since_epoch().count();
    t.append({started(2, 1, 7), opened, step, ended_in(1, 1, 7, recorded_state::failed, "{\"message\":\n\"no\"}"),
              retry, ended_in(1, 0, 0, recorded_state::success, R"("a long output")")});
    t.loop.run();
    const auto events = one->events();
    BOOST_REQUIRE(events.size() == 4U);
    BOOST_TEST(json::serialize(events[0]) ==
               R"({"seq":4,"type":"attempt_started","run":"aab2","dag":"nightly","at":")" + format_time(instant(10)) +
                   R"(","task":"align","item":7,"attempt":1,"state":"running"})");
    BOOST_TEST(json::serialize(events[1].at("error")) == R"({"message":"no"})");
    BOOST_TEST(events[1].at("state").as_string() == "failed");
    BOOST_TEST(events[1].at("elapsed_ms").as_int64() == 5);
    BOOST_TEST(events[2].at("due").as_string() == format_time(instant(90)));
    BOOST_TEST(!events[3].contains("output"));
}

BOOST_AUTO_TEST_CASE(an_error_that_is_no_json_or_too_long_does_not_spoil_the_message)
{
    stream<memory_under_test> t;
    t.append(three_runs());
    const auto one = t.follow({}, std::nullopt);
    t.append({ended_in(1, 1, 0, recorded_state::failed, "no \"json"),
              ended_in(1, 1, 1, recorded_state::failed, '"' + std::string(100'000, 'x') + '"')});
    t.loop.run();
    BOOST_TEST(one->events().at(0).at("error").as_string() == "no \"json");
    BOOST_TEST(one->events().at(1).at("error").at("code").as_string() == "too_long");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(filters_pick_by_run_dag_task_state_and_type, Under, stores)
{
    stream<Under> t;
    const auto live = t.follow({.run = "aab2"}, std::nullopt);
    t.append(three_runs());
    t.append({started(1, 0, 0), started(2, 1, 0), started(3, 1, 0), ended_in(1, 0, 0, recorded_state::failed),
              ended_in(3, 1, 0, recorded_state::success)});
    t.loop.run();
    const auto picked = [&t](event_filter filter) {
        const auto one = t.follow(std::move(filter));
        t.loop.run();
        return one->seen();
    };
    BOOST_TEST((live->seen() == seqs{2, 5}));
    BOOST_TEST((picked({.run = "aab2"}) == seqs{2, 5}));
    BOOST_TEST((picked({.dag = "hourly"}) == seqs{3, 6, 8}));
    BOOST_TEST((picked({.task = "align"}) == seqs{5, 6, 8}));
    BOOST_TEST((picked({.states = {recorded_state::failed, recorded_state::success}}) == seqs{7, 8}));
    BOOST_TEST((picked({.types = {event_type::run_created}}) == seqs{1, 2, 3}));
    BOOST_TEST((picked({.dag = "hourly", .states = {recorded_state::running}}) == seqs{6}));
    BOOST_TEST(picked({.run = "aab"}).empty());
    BOOST_TEST((picked({.allowed = [](const event_run& r) { return r.origin.who == "anna"; }}) == seqs{2, 5}));
}

BOOST_AUTO_TEST_CASE(cursor_of_a_filtered_subscriber_is_good_for_all_that_it_passed)
{
    stream<memory_under_test> t;
    t.append(three_runs());
    const auto one = t.follow({.run = "bbb3"}, std::nullopt);
    t.append({started(1, 0, 0)});
    t.loop.run();
    t.append({started(3, 0, 0), started(1, 0, 1)});
    t.loop.run();
    BOOST_REQUIRE(one->batches_.size() == 2U);
    BOOST_TEST((one->batches_[1].cursor == record_seq(6)));
    const auto again = t.follow({.run = "bbb3"}, 6);
    t.append({started(3, 0, 1)});
    t.loop.run();
    BOOST_TEST((again->seen() == seqs{7}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(slow_subscriber_is_told_and_goes_on_from_its_cursor, Under, stores)
{
    stream<Under> t({.window_bytes = 20'000});
    const auto slow = t.follow({}, std::nullopt);
    const auto quick = t.follow({}, std::nullopt);
    t.append(three_runs());
    t.loop.run();
    slow->pause();
    t.append({started(1, 0, 0)});
    t.loop.run();
    for (std::uint32_t i = 0; i < 500; ++i) {
        t.append({started(1, 1, i)});
        t.loop.run();
    }
    BOOST_TEST(slow->end().empty());
    slow->go_on();
    t.loop.run();
    BOOST_TEST(slow->end() == "lagging");
    BOOST_TEST(t.feed.stats().lagging == 1U);
    const auto& last = slow->messages_.back();
    BOOST_TEST(last.at("end").at("reason").as_string() == "lagging");
    BOOST_TEST(last.at("events").as_array().empty());
    const auto again = t.follow({}, slow->batches_.back().cursor.value());
    t.loop.run();
    auto both = slow->seen();
    const auto rest = again->seen();
    both.insert(both.end(), rest.begin(), rest.end());
    BOOST_TEST((both == t.told_of()));
    BOOST_TEST((quick->seen() == t.told_of()));
    BOOST_TEST(again->end().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cursor_from_before_a_removal_is_served_and_said_to_be_incomplete, Under, stores)
{
    stream<Under> t;
    auto b = three_runs();
    b.records.push_back(of_run(record_kind::run_ended, run_number(1), 30, recorded_state::success));
    t.append(b);
    while (t.store.prune({.keep_runs = 0}, instant(99), 1'000).more) {}
    const auto old = t.follow({}, 1);
    const auto fresh = t.follow({}, 4);
    t.append({started(2, 0, 0)});
    t.loop.run();
    BOOST_TEST(old->messages_.front().at("incomplete").as_bool());
    BOOST_TEST((old->seen() == seqs{2, 3, 5}));
    BOOST_TEST(!fresh->messages_.front().contains("incomplete"));
    BOOST_TEST((fresh->seen() == seqs{5}));
}

BOOST_AUTO_TEST_CASE(a_cursor_behind_the_end_is_of_another_journal)
{
    stream<memory_under_test> t;
    t.append(three_runs());
    BOOST_CHECK_THROW((void)t.feed.subscribe({}, record_seq(4)), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(there_are_no_more_subscribers_than_allowed)
{
    stream<memory_under_test> t({.subscribers = 2});
    auto one = t.follow();
    const auto two = t.follow();
    BOOST_CHECK_THROW((void)t.feed.subscribe({}, std::nullopt), std::length_error);
    one.reset();
    BOOST_TEST(t.follow()->messages_.size() == 1U);
}

BOOST_AUTO_TEST_CASE(subscribers_with_equal_filters_share_their_messages)
{
    stream<memory_under_test> t;
    const auto a = t.follow({}, std::nullopt);
    const auto b = t.follow({}, std::nullopt);
    const auto c = t.follow({.dag = "nightly"}, std::nullopt);
    const auto d = t.follow({.dag = "nightly"}, std::nullopt);
    t.append(three_runs());
    t.loop.run();
    BOOST_TEST(a->batches_.back().text == b->batches_.back().text);
    BOOST_TEST(c->batches_.back().text == d->batches_.back().text);
    BOOST_TEST(a->batches_.back().text != c->batches_.back().text);
}

BOOST_AUTO_TEST_CASE(many_changes_in_a_row_make_few_messages)
{
    stream<memory_under_test> t;
    std::vector<std::unique_ptr<follower>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(t.follow({}, std::nullopt));
    t.append(three_runs());
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        t.append({started(1, 1, i)});
        t.loop.run_present();
    }
    t.loop.run();
    BOOST_TEST(t.feed.stats().rounds <= 5U);
    for (const auto& one : all)
        BOOST_TEST((one->seen() == t.told_of()));
}

BOOST_AUTO_TEST_CASE(closing_the_feed_ends_all_with_a_reason)
{
    stream<memory_under_test> t;
    const auto waiting = t.follow({}, std::nullopt);
    t.feed.close();
    t.loop.run();
    BOOST_TEST(waiting->end() == "stopping");
    BOOST_TEST(t.follow({}, std::nullopt)->end() == "stopping");
}

BOOST_AUTO_TEST_CASE(a_subscriber_may_leave_while_others_are_being_told)
{
    stream<memory_under_test> t({.woken_at_once = 1});
    std::vector<std::unique_ptr<follower>> all;
    for (int i = 0; i < 5; ++i)
        all.push_back(t.follow({}, std::nullopt));
    t.append(three_runs());
    t.loop.step();
    t.loop.step();
    t.loop.step();
    all[2].reset();
    all[4].reset();
    t.loop.run();
    for (const std::size_t i : {0U, 1U, 3U})
        BOOST_TEST((all[i]->seen() == seqs{1, 2, 3}));
    all.clear();
    t.append({started(1, 0, 0)});
    const auto last = t.follow({}, std::nullopt);
    t.append({started(1, 0, 1)});
    t.loop.run();
    BOOST_TEST((last->seen() == seqs{5}));
}

BOOST_AUTO_TEST_CASE(progress_is_told_at_a_bearable_pace_and_the_last_word_wins)
{
    stream<memory_under_test> t;
    const auto one = t.follow({}, std::nullopt);
    const run_id run("aaa1");
    for (int i = 1; i <= 100; ++i) {
        t.feed.tell(progress(run, i / 100.0));
        t.feed.tell(progress(run, 0.5, 1));
        t.loop.run(1ms);
    }
    t.loop.run();
    const auto events = one->events();
    BOOST_TEST(one->types() == "progress progress progress progress");
    BOOST_TEST(events[0].at("fraction").to_number<double>() == 0.01);
    BOOST_TEST(std::max(events[2].at("fraction").to_number<double>(), events[3].at("fraction").to_number<double>()) ==
               1.0);
    BOOST_TEST((events[2].at("fraction").is_int64() || events[3].at("fraction").is_int64()));
    BOOST_TEST(!events[0].contains("seq"));
    BOOST_TEST((one->batches_.back().cursor == record_seq(0)));
}

BOOST_AUTO_TEST_CASE(properties_and_warnings_are_told_to_whom_they_concern)
{
    stream<memory_under_test> t;
    const auto all = t.follow({}, std::nullopt);
    const auto other = t.follow({.run = "bbb3"}, std::nullopt);
    const auto only_own =
        t.follow({.allowed = [](const event_run& r) { return r.origin.who == "anna"; }}, std::nullopt);
    const run_id run("aaa1");
    const json::value value{{"url", "http://here"}};
    runtime::run_origin origin;
    origin.who = "anna";
    auto n = progress(run, 0);
    n.what = run_notice::kind::property;
    n.origin = &origin;
    n.text = "dashboard";
    n.value = &value;
    t.feed.tell(n);
    run_notice warning;
    warning.what = run_notice::kind::warning;
    warning.text = "the disk is nearly full";
    t.feed.tell(warning);
    t.feed.tell(warning);
    t.loop.run();
    BOOST_TEST(all->types() == "property warning warning");
    BOOST_TEST((all->events()[0].at("value") == value));
    BOOST_TEST(all->events()[1].at("text").as_string() == "the disk is nearly full");
    BOOST_TEST(other->types().empty());
    BOOST_TEST(only_own->types() == "property");
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_resized_is_told_to_who_may_see_all)
{
    const host::test::scratch_state state;
    host::test::engine_at e(state);
    const auto reader = open_sqlite_reader(state.layout());
    event_feed feed(e.engine().loop(), *reader);
    e.engine().when_resized([&feed](std::string_view pool, std::uint32_t slots) { feed.pool_resized(pool, slots); });
    follower all(e.engine().loop(), feed.subscribe({.types = {event_type::pool_resized}}, std::nullopt));
    follower user(e.engine().loop(), feed.subscribe({.allowed = [](const event_run&) { return true; }}, std::nullopt));
    bool resized = false;
    async_run(e.engine().loop(), "resize", e.engine().resize_pool("gpu", 3),
              [&](const std::exception_ptr&, const std::optional<host::request_result>&) { resized = true; });
    e.run_until([&] { return resized && !all.types().empty(); });
    BOOST_TEST(all.types() == "pool_resized");
    BOOST_TEST(all.events()[0].at("pool").as_string() == "gpu");
    BOOST_TEST(all.events()[0].at("slots").as_int64() == 3);
    BOOST_TEST(!all.events()[0].contains("seq"));
    bool reset = false;
    async_run(e.engine().loop(), "reset", e.engine().reset_pool("gpu"),
              [&](const std::exception_ptr&, const std::optional<host::request_result>&) { reset = true; });
    e.run_until([&] { return reset && all.events().size() == 2; });
    BOOST_TEST(all.events()[1].at("pool").as_string() == "gpu");
    BOOST_TEST(all.events()[1].at("slots").as_int64() == 0);
    BOOST_TEST(user.types().empty());
}

BOOST_AUTO_TEST_CASE(a_journal_that_cannot_be_read_ends_the_stream_with_a_reason)
{
    stream<sqlite_under_test> t;
    const auto one = t.follow({}, std::nullopt);
    auto b = three_runs();
    t.store.append(b);
    auto wrong = of_run(record_kind::run_started, run_number(1));
    wrong.state = static_cast<recorded_state>(99);
    t.append({wrong});
    t.loop.run();
    BOOST_TEST(one->end() == "broken");
}

BOOST_AUTO_TEST_CASE(a_subscriber_sees_what_an_engine_does)
{
    const host::test::scratch_state state;
    host::test::engine_at e(state);
    const auto reader = open_sqlite_reader(state.layout());
    event_feed feed(e.engine().loop(), *reader);
    e.engine().when_durable([&feed] { feed.journal_grown(); });
    follower one(e.engine().loop(), feed.subscribe({}, std::nullopt));
    auto& run = e.begin("name: brief\ntasks: {a: {operator: events_nothing}}");
    BOOST_TEST((e.end_of(run).state == schedule::run_state::success));
    e.run_until([&] { return one.types().ends_with("run_ended"); });
    BOOST_TEST(one.types() == "run_created run_started attempt_started attempt_ended task_ended run_ended");
    BOOST_TEST(one.events().front().at("run").as_string() == run.seen.id.value());
    BOOST_TEST(one.events().back().at("state").as_string() == "success");
}

BOOST_AUTO_TEST_CASE(words_of_a_query_are_understood)
{
    BOOST_TEST((parse_cursor("123") == record_seq(123)));
    for (const char* text : {"", "-1", "1x", "x", "99999999999999999999"})
        BOOST_TEST(!parse_cursor(text).has_value(), text);
    for (const auto& known : event_types)
        BOOST_TEST((parse_event_type(known.name) == known.type));
    BOOST_TEST(!parse_event_type("step_recorded").has_value());
    BOOST_TEST((parse_event_state("timed_out") == recorded_state::timed_out));
    BOOST_TEST(!parse_event_state("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
