// Secrets and connections of the configuration, which all DAGs may use.

#include "engine/journal/sqlite_store.hpp"
#include "engine/runtime/secret_resolver.hpp"
#include "tests/unit/host/engine_at.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

using namespace potoo;
using namespace potoo::host;
using namespace potoo::host::test;

namespace {

constexpr const char* variable = "POTOO_TEST_SHARED_SECRET";

std::string seen; ///< by the last attempt

task<json::value> show(context& ctx)
{
    const json::object* hpc = ctx.connection("hpc");
    seen = json::serialize(ctx.input()) + " " + (hpc ? json::serialize(*hpc) : "none");
    co_return json::string(seen);
}

POTOO_OPERATOR("host_show_outside", show, {.summary = "Shows its input and the connection hpc."})

constexpr std::string_view shared = "secrets: {token: {env: POTOO_TEST_SHARED_SECRET}}\n"
                                    "connections: {hpc: {type: slurm, token: \"${{ secrets.token }}\"}}\n";

struct configured : scratch_state
{
    configured()
    {
        ::setenv(variable, "sesame", 1);
        write(shared);
    }

    ~configured() { ::unsetenv(variable); }

    void write(std::string_view config) const { std::ofstream(path() / "config.yaml") << config; }

    static std::shared_ptr<const graph::dag> dag(engine_at& e, const std::string& with, const std::string& more = {})
    {
        const graph::load_options options{.secrets = names_of_secrets(e.local->engine().shared()->spec())};
        auto loaded = graph::load_dag(more + "tasks: {a: {operator: host_show_outside, with: " + with + "}}", "a.yaml",
                                      operators(), options);
        BOOST_TEST_REQUIRE((loaded.value != nullptr), graph::format_diagnostics(loaded));
        return loaded.value;
    }

    static run_outcome run(engine_at& e, std::shared_ptr<const graph::dag> d)
    {
        run_request wish{std::move(d)};
        return e.end_of(e.begin(std::move(wish)));
    }

    [[nodiscard]] std::string recorded() const
    {
        std::string all;
        journal::open_sqlite_reader(layout())->records(journal::run_number(1), journal::record_seq(0),
                                                       [&](journal::record_seq, const journal::record& r) {
                                                           all += r.data;
                                                           return true;
                                                       });
        return all;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(outside_of_the_configuration, configured)

BOOST_AUTO_TEST_CASE(dag_uses_them_and_they_are_not_recorded)
{
    engine_at e(*this);
    const auto outcome = run(e, dag(e, "{t: \"${{ secrets.token }}\"}"));
    BOOST_TEST((outcome.state == schedule::run_state::success));
    BOOST_TEST(seen == R"({"t":"sesame"} {"token":"sesame","type":"slurm"})");
    BOOST_TEST(recorded().find("sesame") == std::string::npos);
    BOOST_TEST(recorded().find("***") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(those_of_the_dag_count_before_them)
{
    engine_at e(*this);
    static_cast<void>(run(e, dag(e, "{t: \"${{ secrets.token }}\"}",
                                 "secrets: {token: {command: [echo, other]}}\nconnections: {hpc: {type: docker}}\n")));
    BOOST_TEST(seen == R"({"t":"other"} {"type":"docker"})");
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_had_starts_nothing_and_is_asked_for_again)
{
    engine_at e(*this);
    const auto d = dag(e, "{}");
    ::unsetenv(variable);
    BOOST_CHECK_EXCEPTION(run(e, d), runtime::secret_error, [](const runtime::secret_error& why) {
        return std::string_view(why.what()) ==
               "the configuration's secret `token`: the environment variable POTOO_TEST_SHARED_SECRET is not set";
    });
    BOOST_TEST(e.engine().unfinished().empty());
    ::setenv(variable, "sesame", 1);
    BOOST_TEST((run(e, d).state == schedule::run_state::success));
}

BOOST_AUTO_TEST_CASE(one_that_is_gone_fails_the_attempt_that_needs_it)
{
    engine_at e(*this);
    const auto d = dag(e, "{t: \"${{ secrets.token }}\"}");
    e.engine().share(std::make_shared<runtime::outside_source>(graph::outside_spec(), e.local->processes()));
    BOOST_TEST((run(e, d).state == schedule::run_state::failed));
    BOOST_TEST(recorded().find("there is no secret `token`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(run_goes_on_though_its_dag_no_longer_checks_with_the_configuration)
{
    {
        engine_at e(*this);
        run_request wish{dag(e, "{t: \"${{ secrets.token }}\"}", "pools: {door: 1}\ndefaults: {pool: door}\n")};
        static_cast<void>(e.finish(e.engine().resize_pool("door", 0)));
        auto& r = e.runs.emplace_back();
        e.start(r.outcome, e.engine().run(std::move(wish), r.seen));
        e.run_until([&] { return !r.seen.id.value().empty(); });
        e.engine().detach_all();
        BOOST_TEST(e.end_of(r).detached);
    }
    write("");
    engine_at e(*this);
    static_cast<void>(e.finish(e.engine().resize_pool("door", 1)));
    auto left = e.engine().unfinished();
    BOOST_TEST_REQUIRE(left.size() == 1u);
    BOOST_TEST((e.end_of(e.resume(std::move(left.front()))).state == schedule::run_state::failed));
    BOOST_TEST(recorded().find("there is no secret `token`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(preparing_another_configuration_changes_nothing_until_it_is_there)
{
    engine_at e(*this);
    const state_config other = parse_state_config(
        "secrets: {token: {env: POTOO_TEST_NO_SUCH_VARIABLE}}\nconnections: {hpc: {type: sql}}\n", "config.yaml");
    BOOST_CHECK_THROW(e.finish(e.local->prepare(other)), runtime::secret_error);
    static_cast<void>(run(e, dag(e, "{}")));
    BOOST_TEST(seen == R"({} {"token":"sesame","type":"slurm"})");
    e.local->configure(e.finish(e.local->prepare(parse_state_config("connections: {hpc: {type: sql}}", "c.yaml"))));
    static_cast<void>(run(e, dag(e, "{}")));
    BOOST_TEST(seen == R"({} {"type":"sql"})");
}

BOOST_AUTO_TEST_CASE(engine_that_is_told_to_stop_waits_for_no_secret)
{
    const std::string mark = (path() / "begun").string();
    engine_at e(*this);
    run_request wish{dag(e, "{}", "secrets: {slow: {command: [sh, -c, 'touch " + mark + "; exec sleep 1000']}}\n")};
    auto& r = e.runs.emplace_back();
    e.start(r.outcome, e.engine().run(std::move(wish), r.seen));
    while (!std::filesystem::exists(mark))
        e.context.run_one_for(std::chrono::milliseconds(5));
    e.engine().cancel(std::nullopt, cancel_reason::shutdown);
    BOOST_CHECK_EXCEPTION(e.end_of(r), runtime::secret_error, [](const runtime::secret_error& why) {
        return std::string_view(why.what()) == "secrets had not come when the run was told to stop";
    });
    BOOST_TEST(e.engine().unfinished().empty());
}

BOOST_AUTO_TEST_CASE(command_that_cannot_give_its_secret_says_why)
{
    engine_at e(*this);
    const auto d =
        dag(e, "{}", "secrets: {s: {command: [sh, -c, 'echo first >&2; echo token expired >&2; exit 2']}}\n");
    BOOST_CHECK_EXCEPTION(run(e, d), runtime::secret_error, [](const runtime::secret_error& why) {
        return std::string_view(why.what()) == "secret `s`: the command sh ended with exit code 2: token expired";
    });
}

BOOST_AUTO_TEST_SUITE_END()
