#include "tests/integration/backends/postgres/database.hpp"
#include "tests/integration/backends/postgres/secured_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct failure_fixture : database_fixture
{
    /// As `class code: message`.
    std::string failure_of(json::object with)
    {
        auto& ctx = make("sql", std::move(with));
        try {
            run(ctx.perform());
        } catch (const task_error& e) {
            return fmt::format("{} {}: {}", to_string(e.classification()), e.code(), e.what());
        }
        return "none";
    }

    std::string failure_to_connect() { return failure_of({{"statement", "select 1"}}); }
};

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

struct secured_fixture : failure_fixture
{
    secured_fixture() : cluster(secured_cluster::get())
    {
        settings = {{"type", "sql"}, {"host", "127.0.0.1"}, {"port", cluster.port()}, {"database", "postgres"}};
    }

    const secured_cluster& cluster;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sql_failures, failure_fixture)

BOOST_AUTO_TEST_CASE(mistake_is_shown_where_it_is)
{
    const std::string f = failure_of({{"statement", "select 1,\n  'zwölf' as d, nothing\nfrom nowhere"}});
    BOOST_TEST(
        f == "fatal sql_42P01: relation \"nowhere\" does not exist (line 3, column 6 of the statement: from nowhere)");
    const std::string g = failure_of({{"statement", "select 'ö', nothing"}});
    BOOST_TEST(
        g ==
        "fatal sql_42703: column \"nothing\" does not exist (line 1, column 13 of the statement: select 'ö', nothing)");
}

BOOST_AUTO_TEST_CASE(task_runs_one_statement)
{
    const std::string f = failure_of({{"statement", "select 1; select 2"}});
    BOOST_TEST(f.starts_with("fatal sql_42601: "));
    BOOST_TEST(holds(f, "a task runs one statement"));
    BOOST_TEST(failure_of({{"statement", " -- nothing"}}) == "fatal not_supported: the statement is empty");
    BOOST_TEST(failure_of({{"statement", "copy pg_class to stdout"}}).starts_with("fatal not_supported: COPY"));
    BOOST_TEST(failure_of({{"statement", "copy pg_class to stdout"}, {"transaction", false}})
                   .starts_with("fatal not_supported: COPY"));
    BOOST_TEST(failure_of({{"statement", "commit"}}).starts_with("fatal transaction_ended: "));
}

BOOST_AUTO_TEST_CASE(what_another_try_may_change_is_retryable)
{
    const auto raised = [&](std::string_view state) {
        return failure_of({{"statement", fmt::format("do $$ begin raise 'x' using errcode = '{}'; end $$", state)}});
    };
    for (const char* state : {"40001", "40P01", "53300", "57P01", "55P03", "P0001"})
        BOOST_TEST(raised(state).starts_with(fmt::format("retryable sql_{}: ", state)));
    for (const char* state : {"23505", "22012", "42501", "XX000"})
        BOOST_TEST(raised(state).starts_with(fmt::format("fatal sql_{}: ", state)));
}

BOOST_AUTO_TEST_CASE(failed_statement_leaves_a_session_that_is_used_again)
{
    settings["connections"] = 1;
    const auto pid = [&] { return run_sql({{"statement", "select pg_backend_pid() as p"}}).at("rows").at(0).at("p"); };
    const auto before = pid();
    failure_of({{"statement", "select 1 / 0"}});
    BOOST_TEST(pid() == before);
}

BOOST_AUTO_TEST_CASE(hints_say_what_to_write)
{
    BOOST_TEST(holds(failure_of({{"statement", "vacuum"}}), "with `transaction: false` it runs outside of one"));
    BOOST_TEST(holds(failure_of({{"statement", "create table x ()"}, {"read_only", true}}), "`read_only: true`"));
    BOOST_TEST(holds(failure_of({{"statement", "vacuum"}, {"read_only", true}, {"transaction", false}}),
                     "fatal : with.read_only"));
    BOOST_TEST(holds(failure_of({{"statement", "select $1"}, {"parameters", json::array{std::string("a\0b", 3)}}}),
                     "parameter $1 holds a zero byte"));
    BOOST_TEST(failure_of({{"statement", "select $1::int"}}).starts_with("fatal sql_"));
}

BOOST_AUTO_TEST_CASE(constraint_that_is_checked_late_fails_at_the_commit)
{
    ask("DROP TABLE IF EXISTS late; CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    BOOST_TEST(failure_of({{"statement", "insert into late values (1), (1)"}}).starts_with("fatal sql_23505: "));
    BOOST_TEST(ask("select count(*) from late") == "0");
}

BOOST_AUTO_TEST_CASE(session_that_is_ended_fails_the_task_and_has_no_effect)
{
    ask("DROP TABLE IF EXISTS ended; CREATE TABLE ended (n int)");
    auto& ctx = make("sql", {{"statement", "insert into ended select 1 from pg_sleep(3600)"}});
    started_task<json::value> t(loop, ctx.perform());
    run_until_active(ctx.launch_name.value());
    ask(fmt::format("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{}'",
                    ctx.launch_name.value()));
    BOOST_CHECK_EXCEPTION(finish(t), failure, [](const failure& f) { return f.code() == "sql_57P01"; });
    BOOST_TEST(ask("select count(*) from ended") == "0");
}

BOOST_AUTO_TEST_CASE(session_that_is_ended_outside_of_a_transaction_leaves_the_outcome_open)
{
    const json::object with{{"statement", "select pg_sleep(3600)"}, {"transaction", false}};
    for (const bool idempotent : {false, true}) {
        json::object w = with;
        w["idempotent"] = idempotent;
        auto& ctx = make("sql", w);
        started_task<json::value> t(loop, ctx.perform());
        run_until_active(ctx.launch_name.value());
        ask(fmt::format("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{}'",
                        ctx.launch_name.value()));
        BOOST_CHECK_EXCEPTION(finish(t), task_error, [&](const task_error& f) {
            return f.classification() == (idempotent ? failure_class::retryable : failure_class::unknown_outcome);
        });
    }
}

BOOST_AUTO_TEST_CASE(session_that_breaks_at_the_commit_is_looked_after)
{
    ask(R"(DROP TABLE IF EXISTS breaks; CREATE TABLE breaks (n int);
CREATE OR REPLACE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS
  'begin perform pg_terminate_backend(pg_backend_pid()), pg_sleep(3600); return null; end';
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON breaks DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION break_off())");
    const std::string f = failure_of({{"statement", "insert into breaks values (1)"}});
    BOOST_TEST(f.starts_with("retryable connection_lost: the transaction was rolled back"));
    BOOST_TEST(ask("select count(*) from breaks") == "0");
}

BOOST_AUTO_TEST_CASE(sessions_that_broke_while_nobody_used_them_are_replaced)
{
    settings["connections"] = 2;
    run_sql({{"statement", "select 1"}});
    ask(fmt::format("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{}'",
                    made->launch_name.value()));
    BOOST_TEST(run_sql({{"statement", "select 1"}}).at("row_count") == 1);
}

BOOST_AUTO_TEST_CASE(each_way_not_to_connect_has_a_name)
{
    settings = {{"type", "sql"}, {"host", "no-such-host.invalid"}, {"user", "x"}};
    BOOST_TEST(failure_to_connect().starts_with("retryable resolve_failed: could not translate host name"));
    settings = {{"type", "sql"}, {"host", "127.0.0.1"}, {"port", 1}, {"user", "x"}};
    BOOST_TEST(failure_to_connect().starts_with("retryable connection_refused: "));
    settings = {{"type", "sql"}, {"host", "/no/such/directory"}, {"user", "x"}};
    BOOST_TEST(failure_to_connect().starts_with("retryable connection_refused: "));
    settings = {{"type", "sql"}, {"url", conninfo()}, {"database", "no_such_database"}};
    BOOST_TEST(failure_to_connect().starts_with("fatal sql_3D000: "));
    settings = {{"type", "sql"}, {"url", conninfo()}, {"user", "no_such_role"}};
    BOOST_TEST(failure_to_connect().starts_with("fatal unauthorized: "));
    settings = {{"type", "sql"}, {"url", conninfo()}, {"sslmode", "require"}};
    BOOST_TEST(failure_to_connect().starts_with("retryable tls_failed: "));
    settings = {{"type", "sql"}, {"url", conninfo()}, {"sslmode", "wrong"}};
    BOOST_TEST(failure_to_connect().starts_with("fatal bad_connection: "));
    settings = {{"type", "sql"}, {"service", "no_such_service"}};
    BOOST_TEST(failure_to_connect().starts_with("fatal bad_connection: "));
}

BOOST_AUTO_TEST_CASE(url_that_is_wrong_is_not_shown)
{
    settings = {{"type", "sql"}, {"url", "postgresql://user:s3cret@@host:5432:5433/db"}};
    const std::string f = failure_to_connect();
    BOOST_TEST(!holds(f, "s3cret"));
    settings = {{"type", "sql"}, {"url", "postgresql://user:s3cret@[half/db"}};
    const std::string g = failure_to_connect();
    BOOST_TEST(g.starts_with("fatal bad_connection: the connection's `url`"));
    BOOST_TEST(!holds(g, "s3cret"));
    settings = {{"type", "sql"}, {"url", "postgresql://user:s3cret/rest@127.0.0.1:5432/db"}};
    const std::string h = failure_to_connect();
    BOOST_TEST(holds(h, "%2F"));
    BOOST_TEST(!holds(h, "s3cret"));
}

BOOST_AUTO_TEST_CASE(server_that_does_not_answer_is_given_up)
{
    boost::asio::ip::tcp::acceptor silent(context, {boost::asio::ip::address_v4::loopback(), 0});
    settings = {{"type", "sql"},
                {"host", "127.0.0.1"},
                {"port", silent.local_endpoint().port()},
                {"user", "x"},
                {"connect_timeout", "200ms"}};
    BOOST_TEST(failure_to_connect() == "retryable timed_out: no connection to the server within 200ms");
}

BOOST_AUTO_TEST_CASE(role_with_too_many_sessions_may_try_again)
{
    ask("DROP ROLE IF EXISTS potoo_crowded; CREATE ROLE potoo_crowded LOGIN CONNECTION LIMIT 0");
    settings = {{"type", "sql"}, {"url", conninfo()}, {"user", "potoo_crowded"}};
    BOOST_TEST(failure_to_connect().starts_with("retryable sql_53300: "));
    ask("DROP ROLE potoo_crowded");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(sql_credentials, secured_fixture)

BOOST_AUTO_TEST_CASE(password_is_concealed_and_works)
{
    settings["user"] = "reader";
    settings["password"] = secured_cluster::password;
    BOOST_TEST(failure_to_connect() == "none");
    BOOST_REQUIRE(made->concealed.size() == 1);
    BOOST_TEST(made->concealed[0] == secured_cluster::password);
}

BOOST_AUTO_TEST_CASE(wrong_password_is_fatal_and_not_shown)
{
    settings["user"] = "reader";
    settings["password"] = "not-the-password";
    const std::string f = failure_to_connect();
    BOOST_TEST(f.starts_with("fatal unauthorized: "));
    BOOST_TEST(holds(f, "password authentication failed for user \"reader\""));
    BOOST_TEST(holds(f, "(the password is that of the connection's settings)"));
    BOOST_TEST(!holds(f, "not-the-password"));
    settings = {{"type", "sql"},
                {"url", fmt::format("postgresql://reader:not%2Dright@127.0.0.1:{}/postgres", cluster.port())}};
    const std::string g = failure_to_connect();
    BOOST_TEST(g.starts_with("fatal unauthorized: "));
    BOOST_TEST(!holds(g, "not-right"));
    BOOST_TEST(made->concealed.at(0) == "not-right");
}

BOOST_AUTO_TEST_CASE(missing_password_is_fatal)
{
    settings["user"] = "reader";
    settings["passfile"] = "/dev/null";
    const std::string f = failure_to_connect();
    BOOST_TEST(f.starts_with("fatal unauthorized: "));
    BOOST_TEST(holds(f, "(no password was given)"));
}

BOOST_AUTO_TEST_CASE(certificate_is_checked_when_it_is_to_be)
{
    settings["user"] = "reader";
    settings["password"] = secured_cluster::password;
    settings["sslmode"] = "require";
    auto out = run_sql({{"statement", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"}});
    BOOST_TEST(out.at("rows").at(0).at("ssl") == true);
    settings["sslmode"] = "verify-full";
    settings["sslrootcert"] = cluster.certificate();
    // The certificate is for localhost, and 127.0.0.1 is none of its names.
    BOOST_TEST(failure_to_connect().starts_with("retryable tls_failed: "));
    settings["host"] = "localhost";
    BOOST_TEST(failure_to_connect() == "none");
    settings["sslrootcert"] = "/no/such/file";
    BOOST_TEST(failure_to_connect().starts_with("retryable tls_failed: "));
}

BOOST_AUTO_TEST_CASE(cancellation_reaches_the_server_over_tls)
{
    settings["user"] = "reader";
    settings["password"] = secured_cluster::password;
    settings["sslmode"] = "require";
    auto& ctx = make("sql", {{"statement", "select pg_sleep(3600)"}});
    const std::string look =
        fmt::format("select count(*) from pg_stat_activity where application_name = '{}' and state = 'active'",
                    ctx.launch_name.value());
    started_task<json::value> t(loop, ctx.perform());
    run_until([&] { return psql(cluster.conninfo(), look) == "1"; });
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(psql(cluster.conninfo(), look) == "0");
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_SUITE_END()
