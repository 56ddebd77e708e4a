// The sensor s3 against moto.

#include "tests/integration/backends/aws/moto.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <random>
#include <string>
#include <string_view>

using namespace potoo;
using schedule::run_state;

namespace {

struct s3_on_moto
{
    test::aws_environment environment{test::moto_url()};
    test::moto_client moto;
    std::string bucket = fmt::format("potoo-{:08x}", std::random_device{}());
    conformance::trial_engine engine;

    void start(const std::string& with)
    {
        engine.start(fmt::format("tasks:\n  wait:\n    operator: s3_sensor\n    with: {{{}, interval: 100ms}}\n", with),
                     {});
    }

    /// It has looked, in vain, and waits for the next look.
    void run_until_waiting()
    {
        engine.run_until([this] { return engine.deferred(); });
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(s3_on_moto_server, s3_on_moto)

BOOST_AUTO_TEST_CASE(object_is_waited_for)
{
    moto.create_bucket(bucket);
    start(fmt::format("url: 's3://{}/a b/c+d.csv', min_size: 4", bucket));
    run_until_waiting();
    moto.put_object(bucket, "a%20b/c%2Bd.csv", "1,2,3");
    BOOST_TEST((engine.finish() == run_state::success));
    const json::value found = engine.output();
    BOOST_TEST(found.at("bucket") == json::string(bucket));
    BOOST_TEST(found.at("key") == "a b/c+d.csv");
    BOOST_TEST(found.at("size") == 5);
    BOOST_TEST(found.at("etag") == "55b84a9d317184fe61224bfb4a060fb0");
    BOOST_TEST(!found.at("last_modified").as_string().empty());
}

BOOST_AUTO_TEST_CASE(first_object_below_a_prefix_will_do)
{
    moto.create_bucket(bucket);
    moto.put_object(bucket, "in/empty", "");
    start(fmt::format("bucket: {}, prefix: in/, min_size: 1", bucket));
    run_until_waiting();
    moto.put_object(bucket, "in/x%26y", "data");
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(engine.output().at("key") == "in/x&y");
    BOOST_TEST(engine.output().at("size") == 4);
}

BOOST_AUTO_TEST_CASE(bucket_that_is_not_there_may_come)
{
    start(fmt::format("url: s3://{}/key", bucket));
    run_until_waiting();
    moto.create_bucket(bucket);
    moto.put_object(bucket, "key", "x");
    BOOST_TEST((engine.finish() == run_state::success));
}

BOOST_AUTO_TEST_CASE(url_that_names_nothing_is_refused)
{
    start("url: 'https://bucket/key'");
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(engine.error().at("message").as_string().find("s3://bucket/key") != std::string_view::npos);
}

BOOST_AUTO_TEST_SUITE_END()
