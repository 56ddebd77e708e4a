#include "engine/server/server.hpp"

#include "engine/host/local_host.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/server/access/audit_trail.hpp"
#include "engine/server/access/token_book.hpp"
#include "engine/server/api/api.hpp"
#include "engine/server/config/descriptor_limit.hpp"
#include "engine/server/dags/dag_catalog.hpp"
#include "engine/server/events/event_feed.hpp"
#include "engine/server/metrics/metrics.hpp"
#include "engine/server/metrics/statsd_sender.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/runs/scheduled_runs.hpp"
#include "engine/server/schedules/replays.hpp"
#include "engine/server/schedules/schedule_keeper.hpp"
#include "engine/server/schedules/tz_zones.hpp"
#include "engine/server/tasks/callback_service.hpp"
#include "engine/server/tasks/carried_task_runs.hpp"
#include "engine/server/tasks/task_service.hpp"
#include "engine/web/http_server.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <unistd.h>

namespace potoo::server {
namespace {

constexpr std::chrono::seconds time_to_leave{10};

std::vector<std::string> own_environment()
{
    std::vector<std::string> all;
    for (char** v = environ; v && *v; ++v)
        all.emplace_back(*v);
    return all;
}

host::host_options host_options_of(const server_config& c)
{
    host::host_options o;
    o.state = c.state;
    o.config = c.engine;
    return o;
}

access_rules rules_of(const server_config& c)
{
    access_rules rules;
    rules.loopback = is_loopback(c.web.listen) && !c.behind_proxy;
    rules.hosts = c.hosts;
    rules.origins = c.origins;
    return rules;
}

} // namespace

struct server::parts
{
    parts(boost::asio::io_context& context, server_config c, server_surroundings a);

    [[nodiscard]] api_services services();
    [[nodiscard]] api_options options() const;
    [[nodiscard]] catalog_settings folder() const;
    void call_back_at(std::string_view address);
    void fit_connections();
    void listen();
    [[nodiscard]] std::function<void(std::string_view)> say() const;
    [[nodiscard]] std::function<void(std::string_view)> warn() const;
    void hear(const run_notice& n);
    void say_beginnings();
    [[nodiscard]] task<> send_measurements();

    server_config config;
    server_surroundings around;
    host::local_host local;
    host::engine_host& engine;
    runtime::ledger& ledger;
    std::unique_ptr<journal::reader> journal;
    run_carrier runs;
    scheduled_runs starter;
    carried_task_runs single_runs;
    dag_catalog dags;
    schedule_keeper schedules;
    replays repeats;
    task_service tasks;
    event_feed feed;
    callback_service callbacks;
    token_book tokens;
    audit_trail audit;
    metrics measured;
    class api api;
    std::optional<web::http_server> web;
    counter reloads; ///< asked for
};

server::parts::parts(boost::asio::io_context& context, server_config c, server_surroundings a)
    : config(std::move(c)), around(std::move(a)), local(context, host_options_of(config)), engine(local.engine()),
      ledger(engine.ledger()), journal(journal::open_sqlite_reader(journal::state_layout(config.state))),
      runs(engine, warn()), starter(runs, engine, *journal), single_runs(engine, runs, *journal),
      dags(local.loop(), operators(), local.processes(), ledger, folder()),
      schedules(local.loop(), ledger, dags, starter, {.say = say(), .warn = warn(), .zones = tz_zones()}),
      repeats(
          local.loop(), ledger, dags, starter,
          {.say = say(), .warn = warn(), .zones = tz_zones(), .make_id = [this] { return engine.make_id().value(); }}),
      tasks(local.loop(), ledger, single_runs, operators(), config.tasks, warn()), feed(local.loop(), *journal),
      callbacks(engine, *journal), tokens(ledger, host::number_of_the_system), audit(local.loop(), ledger, say()),
      measured(engine, runs, around.version), api(services(), options())
{
    call_back_at(config.web.listen);
    runs.listen([this](const run_notice& n) { hear(n); });
    engine.when_durable([this] { feed.journal_grown(); });
    engine.when_resized([this](std::string_view pool, std::uint32_t slots) { feed.pool_resized(pool, slots); });
}

api_services server::parts::services()
{
    api_services s{engine, *journal, ledger, runs, tokens, audit};
    s.open_reader = [state = config.state] { return journal::open_sqlite_reader(journal::state_layout(state)); };
    s.dags = &dags;
    s.events = &feed;
    s.schedules = &schedules;
    s.repeats = &repeats;
    s.tasks = &tasks;
    s.callbacks = &callbacks;
    s.measured = &measured;
    return s;
}

api_options server::parts::options() const
{
    api_options o;
    o.access = rules_of(config);
    o.version = around.version;
    o.public_url = config.public_url;
    o.say = say();
    if (config.verbose)
        o.answered = [&log = around.log](const web::request& r, const std::string& who, unsigned status) {
            log.info(r.method + " " + r.path,
                     {{"status", status}, {"from", json::string(r.peer)}, {"who", json::string(who)}});
        };
    return o;
}

catalog_settings server::parts::folder() const
{
    catalog_settings s;
    s.folder = config.dags;
    s.say = say();
    s.warn = warn();
    s.load_plugin = around.load_plugin;
    s.environment = own_environment();
    s.secrets = [&engine = engine] { return host::names_of_secrets(engine.shared()->spec()); };
    return s;
}

void server::parts::call_back_at(std::string_view address)
{
    engine.callbacks_at((config.public_url.empty() ? own_url(config, address) : config.public_url) + callback_path);
}

/// Connections of clients leave descriptors for everything else.
void server::parts::fit_connections()
{
    std::size_t& most = config.web.limits.connections;
    const std::size_t descriptors = raise_descriptor_limit(most);
    const std::size_t fitting = connections_within(descriptors, most);
    if (fitting < most)
        around.log.warning(fmt::format("at most {} connections are taken instead of {}: this process may open {} files "
                                       "(`ulimit -n`; LimitNOFILE= where systemd starts it)",
                                       fitting, most, descriptors));
    most = fitting;
}

void server::parts::listen()
{
    fit_connections();
    web.emplace(local.loop(), api, config.web);
    measured.watch(&*web);
    call_back_at(web->address());
    say_beginnings();
}

void server::parts::hear(const run_notice& n)
{
    tasks.hear(n);
    feed.tell(n);
    if (n.what == run_notice::kind::warning)
        around.log.warning(n.run ? fmt::format("run {} of {}: {}", n.run->value(), n.dag, n.text)
                                 : std::string(n.text));
    if (n.what != run_notice::kind::ended || n.detached)
        return;
    const bool succeeded = n.state == schedule::run_state::success;
    around.log.info(fmt::format("run {} of {} has ended: {}", n.run->value(), n.dag, to_string(n.state)));
    schedules.run_ended(*n.run, n.dag, *n.origin, succeeded);
    repeats.run_ended(*n.origin, succeeded);
}

void server::parts::say_beginnings()
{
    const std::string scheme = config.web.certificate_file.empty() ? "http" : "https";
    const std::string url = fmt::format("{}://{}", scheme, web->address());
    around.log.info("listening on " + url);
    if (config.public_url.empty() && own_url(config, web->address()).empty())
        around.log.warning("the URLs of callbacks are without a host, since it is not known under which others reach "
                           "this server: say so with `public_url` or --public-url");
    if (!tokens.has_any())
        around.log.warning(fmt::format("there is no token yet: whoever reaches this address from this machine may do "
                                       "everything. Make one with: potoo token create --role admin --server {}",
                                       url));
}

std::function<void(std::string_view)> server::parts::say() const
{
    return [&log = around.log](std::string_view text) { log.info(text); };
}

/// What is wrong.
std::function<void(std::string_view)> server::parts::warn() const
{
    return [&log = around.log](std::string_view text) { log.warning(text); };
}

task<> server::parts::send_measurements()
{
    if (!config.statsd.empty())
        co_await send_statsd(local.loop(), measured, config.statsd, say());
}

server::server(boost::asio::io_context& context, server_config config, server_surroundings around)
    : parts_(std::make_unique<parts>(context, std::move(config), std::move(around)))
{}

server::~server() = default;

potoo::loop& server::loop() noexcept
{
    return parts_->local.loop();
}

std::string server::address() const
{
    return parts_->web ? parts_->web->address() : std::string();
}

std::size_t server::close()
{
    return parts_->engine.close();
}

/// What engines before have left goes on before anything new begins, so that it counts.
task<> server::take_up()
{
    if (const std::string why = refusal(parts_->config, parts_->tokens.has_any()); !why.empty())
        throw host::config_error(why);
    const auto shared = parts_->engine.shared();
    co_await shared->values();
    co_await parts_->tasks.start();
    for (journal::run_row& r : parts_->engine.unfinished()) {
        parts_->around.log.info(fmt::format("going on with run {} of {}", r.id.value(), r.dag_name));
        parts_->runs.resume(std::move(r));
    }
    for (journal::run_row& r : parts_->engine.unreconciled()) {
        parts_->around.log.info(fmt::format("run {} of {} has ended; seeing to its remote jobs, whose end nobody has "
                                            "confirmed",
                                            r.id.value(), r.dag_name));
        parts_->runs.resume(std::move(r));
    }
    co_await parts_->dags.load();
    parts_->listen();
}

task<> server::serve()
{
    co_await take_up();
    parts_->measured.set_ready(true);
    parts_->around.log.info("ready");
    parts_->around.supervisor.ready("listening on " + address());
    const auto is_well = [this] { return parts_->measured.health().good(); };
    co_await all(parts_->dags.keep(), parts_->schedules.keep(), parts_->repeats.keep(), parts_->tasks.tend(),
                 parts_->api.tend(), keep_configuration(), parts_->send_measurements(),
                 parts_->around.supervisor.keep_watchdog(is_well));
}

task<> server::leave()
{
    parts_->measured.set_ready(false);
    parts_->around.supervisor.stopping("letting go of the runs");
    parts_->feed.close();
    parts_->runs.stop();
    if (parts_->web)
        co_await parts_->web->drain(loop().now() + time_to_leave);
    co_await parts_->runs.all_ended();
}

task<> server::run()
{
    std::exception_ptr problem;
    try {
        co_await serve();
    } catch (const cancelled&) {
        // That is how a server ends.
    } catch (...) {
        problem = std::current_exception();
    }
    co_await shield(leave(), steady_time::max());
    if (problem)
        std::rethrow_exception(problem);
}

void server::reload()
{
    parts_->reloads.increment();
}

task<> server::keep_configuration()
{
    for (std::uint64_t done = 0;; ++done) {
        co_await parts_->reloads.reached(done + 1);
        parts_->around.supervisor.reloading();
        try {
            co_await configure_anew();
            parts_->around.log.info("what was read counts from now on");
        } catch (const std::exception& e) {
            const std::string_view why = e.what();
            parts_->around.log.warning(
                fmt::format("the configuration stays as it was: {}", why.substr(0, why.find('\n'))));
        }
        parts_->around.supervisor.ready("listening on " + address());
    }
}

task<> server::configure_anew()
{
    // First what can fail: then all stays as it was.
    const server_config config = parts_->around.read_config();
    host::state_config engine =
        laid_over(host::read_state_config(journal::state_layout(parts_->config.state)), config.engine);
    host::prepared_config prepared = co_await parts_->local.prepare(std::move(engine));
    parts_->web->reload_certificate();
    const auto known = host::names_of_secrets(parts_->engine.shared()->spec());
    const bool same = known == host::names_of_secrets(prepared.config.outside);
    parts_->local.configure(std::move(prepared));
    parts_->tasks.apply(config.tasks);
    auto look = same ? parts_->dags.look() : parts_->dags.reread();
    co_await std::move(look);
}

} // namespace potoo::server
