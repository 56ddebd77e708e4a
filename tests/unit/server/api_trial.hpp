#pragma once
// The API over an engine of this process, asked without a network.

#include "engine/host/local_host.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/server/api/api.hpp"
#include "engine/server/dags/dag_catalog.hpp"
#include "engine/server/events/event_feed.hpp"
#include "engine/server/metrics/metrics.hpp"
#include "engine/server/runs/scheduled_runs.hpp"
#include "engine/server/schedules/replays.hpp"
#include "engine/server/schedules/schedule_keeper.hpp"
#include "engine/server/schedules/tz_zones.hpp"
#include "engine/server/tasks/callback_service.hpp"
#include "engine/server/tasks/carried_task_runs.hpp"
#include "engine/server/tasks/task_service.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <potoo/asio.hpp>
#include <potoo/json.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server::test {

struct no_processes final : process_runner
{
    task<process_end> run(process_spec, output_sink) override { throw std::logic_error("a process was started"); }
};

/// What is sent besides method and path.
struct sent
{
    std::string token{};
    std::string body{};
    std::vector<web::field> fields{};
    std::string peer = "127.0.0.1";
    std::string host = "127.0.0.1:8080";
};

/// `/a/b?c=d` as the server takes it apart.
inline web::request request_for(std::string method, const std::string& target, const sent& s = {})
{
    web::request r;
    r.method = std::move(method);
    r.path = target.substr(0, target.find('?'));
    for (std::size_t at = 0; at < r.path.size();) {
        const auto end = std::min(r.path.find('/', at + 1), r.path.size());
        r.segments.push_back(r.path.substr(at + 1, end - at - 1));
        at = end;
    }
    std::string query = target.size() > r.path.size() ? target.substr(r.path.size() + 1) : std::string();
    while (!query.empty()) {
        const std::string one = query.substr(0, query.find('&'));
        query.erase(0, one.size() + 1);
        r.query.emplace_back(one.substr(0, one.find('=')),
                             one.find('=') < one.size() ? one.substr(one.find('=') + 1) : "");
    }
    if (!s.host.empty())
        r.fields.emplace_back("host", s.host);
    if (!s.token.empty())
        r.fields.emplace_back("authorization", "Bearer " + s.token);
    if (!s.body.empty())
        r.fields.emplace_back("content-type", "application/json");
    r.fields.insert(r.fields.end(), s.fields.begin(), s.fields.end());
    r.body = s.body;
    r.peer = s.peer;
    return r;
}

/// A body that is streamed, kept. Ends the stream when it has heard enough.
struct kept_body final : web::body_writer
{
    explicit kept_body(std::string until) : until_(std::move(until)) {}

    task<> write(std::shared_ptr<const std::string> piece) override
    {
        text += *piece;
        if (!until_.empty() && text.find(until_) != std::string::npos)
            throw cancelled(cancel_reason::user);
        co_return;
    }

    std::string text;

  private:
    std::string until_;
};

inline const std::string* field_of(const web::reply& r, std::string_view name)
{
    for (const auto& [n, value] : r.fields)
        if (n == name)
            return &value;
    return nullptr;
}

inline json::value json_of(const web::reply& r)
{
    BOOST_TEST_REQUIRE(!r.body.empty(), "a reply " << r.status << " without a body");
    return json::parse(r.body);
}

class api_trial : public host::test::scratch_state
{
  public:
    api_trial()
        : local_(context_, host::host_options{path() / "state", false, {}, {}}),
          reader_(journal::open_sqlite_reader(journal::state_layout(path() / "state"))),
          tokens_(engine().ledger(), host::number_of_the_system), audit_(local_.loop(), engine().ledger()),
          runs_(engine(), [](std::string_view) {}),
          dags_(local_.loop(), operators(), processes_, engine().ledger(), catalog_settings_in(path() / "dags")),
          events_(local_.loop(), *reader_), task_runs_(engine(), runs_, *reader_),
          tasks_(local_.loop(), engine().ledger(), task_runs_, operators()), callbacks_(engine(), *reader_),
          starter_(runs_, engine(), *reader_), schedules_(local_.loop(), engine().ledger(), dags_, starter_,
                                                          keeper_settings{.say = {}, .zones = tz_zones()}),
          replays_(local_.loop(), engine().ledger(), dags_, starter_,
                   replay_settings{
                       .say = {}, .zones = tz_zones(), .make_id = [this] { return engine().make_id().value(); }}),
          measured_(engine(), runs_, "1.2.3")
    {
        runs_.listen([this](const run_notice& n) {
            tasks_.hear(n);
            events_.tell(n);
        });
        engine().when_durable([this] { events_.journal_grown(); });
        finish(tasks_.start());
        api_options options;
        options.version = "1.2.3";
        options.say = [this](std::string_view text) { said.emplace_back(text); };
        options.answered = [this](const web::request& r, const std::string&, unsigned) { logged.push_back(r.path); };
        api_.emplace(services(), std::move(options));
    }

    ~api_trial()
    {
        api_.reset();
        engine().detach_all();
        run_until([&] { return runs_.active() == 0; });
        engine().close();
    }

    [[nodiscard]] host::engine_host& engine() { return local_.engine(); }

    [[nodiscard]] api_services services()
    {
        api_services s{engine(), *reader_, engine().ledger(), runs_, tokens_, audit_};
        s.open_reader = [layout = journal::state_layout(path() / "state")] {
            return journal::open_sqlite_reader(layout);
        };
        s.dags = &dags_;
        s.events = &events_;
        s.tasks = &tasks_;
        s.callbacks = &callbacks_;
        s.schedules = &schedules_;
        s.repeats = &replays_;
        s.measured = &measured_;
        return s;
    }

    [[nodiscard]] journal::reader& journal() { return *reader_; }

    [[nodiscard]] token_book& tokens() { return tokens_; }

    [[nodiscard]] api& served() { return *api_; }

    template <class T>
    T finish(task<T> t)
    {
        std::optional<T> value;
        std::exception_ptr error;
        bool ended = false;
        async_run(local_.loop(), "test", std::move(t), [&](const std::exception_ptr& e, std::optional<T> v) {
            error = e;
            value = std::move(v);
            ended = true;
        });
        run_until([&] { return ended; });
        if (error)
            std::rethrow_exception(error);
        return std::move(*value);
    }

    void finish(task<> t)
    {
        std::exception_ptr error;
        bool ended = false;
        async_run(local_.loop(), "test", std::move(t), [&](const std::exception_ptr& e) {
            error = e;
            ended = true;
        });
        run_until([&] { return ended; });
        if (error)
            std::rethrow_exception(error);
    }

    template <class Condition>
    void run_until(Condition holds)
    {
        const auto work = boost::asio::make_work_guard(context_);
        context_.restart();
        while (!holds())
            context_.run_one();
    }

    web::reply ask(std::string method, const std::string& target, const sent& s = {})
    {
        return finish(answer_to(request_for(std::move(method), target, s)));
    }

    /// As the server does it: first the head, then the body.
    task<web::reply> answer_to(web::request r)
    {
        std::string body = std::exchange(r.body, {});
        if (auto refused = api_->refuse(r))
            co_return std::move(*refused);
        r.body = std::move(body);
        web::reply answered = co_await api_->answer(std::move(r));
        co_return answered;
    }

    /// A body that is streamed, up to `until` or to its end.
    std::string stream(const web::reply& r, std::string until = {})
    {
        BOOST_TEST_REQUIRE(bool(r.stream));
        kept_body body(std::move(until));
        try {
            finish(r.stream(body));
        } catch (const boost::system::system_error&) { // the way in which a task that was told to stop ends
        }
        return body.text;
    }

    /// A file of the folder, read.
    void put_dag(const std::string& name, const std::string& text)
    {
        std::ofstream(path() / "dags" / name) << text;
        finish(dags_.look());
    }

    std::string make_token(std::string name, role may, std::optional<wall_time> expires = {})
    {
        return finish(tokens_.create({std::move(name), may, expires}, local_.loop().wall_now())).text;
    }

    /// Waits for the end of a run.
    void end_of(const std::string& run)
    {
        journal::run_filter filter;
        filter.id_prefix = run;
        run_until([&] {
            const auto found = reader_->runs(filter);
            return !found.empty() && found.front().ended;
        });
    }

    std::vector<std::string> said;
    std::vector<std::string> logged; ///< paths of requests, as the log has them

  private:
    static catalog_settings catalog_settings_in(const std::filesystem::path& folder)
    {
        std::filesystem::create_directories(folder);
        catalog_settings s;
        s.folder = folder;
        s.watch = false;
        return s;
    }

    boost::asio::io_context context_{1};
    host::local_host local_;
    std::unique_ptr<journal::reader> reader_;
    no_processes processes_;
    token_book tokens_;
    audit_trail audit_;
    run_carrier runs_;
    dag_catalog dags_;
    event_feed events_;
    carried_task_runs task_runs_;
    task_service tasks_;
    callback_service callbacks_;
    scheduled_runs starter_;
    schedule_keeper schedules_;
    replays replays_;
    metrics measured_;
    std::optional<api> api_;
};

} // namespace potoo::server::test
