#include "tests/integration/backends/postgres/database.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <list>

using namespace potoo;
using namespace potoo::test;

namespace {

const std::string listener_name = "potoo listener";

struct notify_fixture : database_fixture
{
    /// A sensor that goes on until it has heard.
    struct sensor
    {
        sensor(database_fixture& f, json::object with)
            : ctx((f.make("notify_sensor", std::move(with)), std::move(f.made))), running(f.loop, ctx->perform())
        {}

        std::unique_ptr<fake_context> ctx;
        started_task<json::value> running;
    };

    /// The server has heard that somebody listens to the channel.
    void run_until_listening(const std::string& channel)
    {
        run_until([&] {
            return ask(fmt::format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND state = "
                                   "'idle' AND query = 'LISTEN \"{}\"' AND datname = current_database()",
                                   listener_name, channel)) != "0";
        });
    }

    static int listeners()
    {
        return std::stoi(
            ask(fmt::format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND datname "
                            "= current_database()",
                            listener_name)));
    }

    static void end_listeners(std::string_view first = {})
    {
        ask(fmt::format("{} SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}' AND "
                        "datname = current_database()",
                        first, listener_name));
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(notify, notify_fixture)

BOOST_AUTO_TEST_CASE(notification_ends_the_wait)
{
    sensor s(*this, {{"channel", "Batches"}});
    run_until_listening("Batches");
    BOOST_TEST(s.ctx->deferred);
    ask("NOTIFY \"Batches\", 'here it is'");
    const auto out = finish(s.running);
    BOOST_TEST(out.at("channel") == "Batches");
    BOOST_TEST(out.at("payload") == "here it is");
    BOOST_TEST(out.at("pid").is_int64());
}

BOOST_AUTO_TEST_CASE(only_what_is_waited_for_counts)
{
    sensor exact(*this, {{"channel", "c"}, {"payload", "b"}});
    sensor judged(*this, {{"channel", "c"}, {"condition", "${{ from_json(payload).n > 1 }}"}});
    run_until_listening("c");
    ask("NOTIFY c, 'a'; NOTIFY c, '{\"n\": 1}'; NOTIFY d, 'b'; NOTIFY c, '{\"n\": 2}'");
    BOOST_TEST(finish(judged.running).at("payload") == "{\"n\": 2}");
    BOOST_TEST(!exact.running.ended());
    BOOST_TEST(judged.ctx->lines.size() == 1);
    ask("NOTIFY c, 'b'");
    BOOST_TEST(finish(exact.running).at("payload") == "b");
}

BOOST_AUTO_TEST_CASE(many_waits_share_one_session)
{
    std::list<sensor> all;
    for (int i = 0; i < 200; ++i)
        all.emplace_back(*this, json::object{{"channel", fmt::format("c{}", i % 3)}, {"payload", std::to_string(i)}});
    run_until_listening("c2");
    BOOST_TEST(listeners() == 1);
    ask("SELECT pg_notify('c' || (i % 3), i::text) FROM generate_series(0, 199) AS s(i)");
    for (sensor& s : all)
        finish(s.running);
    run_until([] { return listeners() == 0; });
}

BOOST_AUTO_TEST_CASE(lost_session_is_made_again)
{
    sensor s(*this, {{"channel", "again"}});
    run_until_listening("again");
    end_listeners();
    run_until([&] { return !s.ctx->lines.empty(); });
    BOOST_TEST(s.ctx->lines[0].starts_with("not listening: "));
    run_until_listening("again");
    ask("NOTIFY again");
    BOOST_TEST(finish(s.running).at("payload") == "");
}

BOOST_AUTO_TEST_CASE(what_happened_while_nobody_listened_is_seen_by_the_statement)
{
    ask("DROP TABLE IF EXISTS loaded; CREATE TABLE loaded (n int)");
    const json::object with{{"channel", "seen"}, {"statement", "select n = 5, n from loaded"}};
    sensor s(*this, with);
    run_until_listening("seen");
    run_until([&] { return sessions(s.ctx->launch_name.value()) > 0; });
    BOOST_TEST(!s.running.ended());
    end_listeners("INSERT INTO loaded VALUES (5);");
    const auto out = finish(s.running);
    BOOST_TEST(out.at("payload").is_null());
    BOOST_TEST(out.at("row").at("n") == 5);
    sensor from_the_start(*this, with);
    BOOST_TEST(finish(from_the_start.running).at("value") == true);
}

BOOST_AUTO_TEST_CASE(it_gives_up_in_time)
{
    sensor s(*this, {{"channel", "never"}, {"timeout", "100ms"}});
    BOOST_CHECK_EXCEPTION(finish(s.running), failure, [](const failure& f) { return f.code() == "timed_out"; });
    sensor soft(*this, {{"channel", "never"}, {"timeout", "100ms"}, {"soft_fail", true}});
    BOOST_CHECK_THROW(finish(soft.running), skip);
    run_until([] { return listeners() == 0; });
}

BOOST_AUTO_TEST_CASE(cancelled_sensor_does_not_listen_any_more)
{
    sensor s(*this, {{"channel", "gone"}});
    run_until_listening("gone");
    s.running.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(s.running), cancelled);
    run_until([] { return listeners() == 0; });
}

BOOST_AUTO_TEST_CASE(what_will_never_connect_is_fatal)
{
    settings["database"] = "no_such_database";
    sensor s(*this, {{"channel", "c"}});
    BOOST_CHECK_EXCEPTION(finish(s.running), fatal, [](const fatal& f) { return f.code() == "sql_3D000"; });
}

BOOST_AUTO_TEST_CASE(channel_that_is_refused_for_good_is_fatal_and_disturbs_no_other)
{
    const std::string latin = ask("SELECT current_database()") + "_latin";
    ask(fmt::format("CREATE DATABASE {} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", latin));
    settings["database"] = latin;
    {
        // The server's encoding has no such letter.
        sensor refused(*this, {{"channel", "ж"}});
        run_until([&] { return refused.running.ended(); });
        BOOST_CHECK_EXCEPTION(finish(refused.running), fatal, [](const fatal& f) { return f.code() == "sql_22P05"; });
        sensor other(*this, {{"channel", "c"}});
        sensor refused_too(*this, {{"channel", "ж"}});
        run_until([&] { return refused_too.running.ended(); });
        BOOST_CHECK_THROW(finish(refused_too.running), fatal);
        BOOST_TEST(other.ctx->lines.empty());
        run_until([&] {
            psql(conninfo() + " dbname=" + latin, "NOTIFY c, 'heard'");
            return other.running.ended();
        });
        BOOST_TEST(finish(other.running).at("payload") == "heard");
    }
    shared.clear();
    ask(fmt::format("DROP DATABASE {} WITH (FORCE)", latin));
}

BOOST_AUTO_TEST_CASE(condition_must_be_one)
{
    sensor s(*this, {{"channel", "c"}, {"condition", "${{ payload }}"}});
    run_until_listening("c");
    ask("NOTIFY c, 'a'");
    BOOST_CHECK_THROW(finish(s.running), fatal);
}

BOOST_AUTO_TEST_SUITE_END()
