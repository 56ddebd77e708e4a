// How long credentials are used, and when others are looked for, on a virtual clock.

#include "tests/unit/aws/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;

namespace {

const std::string sts = "POST https://sts.eu-central-1.amazonaws.com/";

struct role_holder : test::machine_on<test::still_clock>
{
    role_holder()
    {
        client.latency = duration{0};
        set["AWS_REGION"] = "eu-central-1";
        set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
        set["AWS_SECRET_ACCESS_KEY"] = "s";
        write(".aws/config", "[default]\nrole_arn=r\ncredential_source=Environment\n");
    }

    aws::account account{{.profile = "default"}, variables()};

    /// @param life in seconds from now
    void give(const std::string& id, int life)
    {
        answers[sts] = answer(200, role_answer(id, format_time(loop.wall_now() + duration(life * 1'000))));
    }

    std::string key() { return run(account.sign_in(outside()))->access_key_id; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(aws_expiry, role_holder)

BOOST_AUTO_TEST_CASE(credentials_are_kept_until_five_minutes_before_they_expire)
{
    give("ASIAFIRST", 3'600);
    BOOST_TEST(key() == "ASIAFIRST");
    give("ASIASECOND", 7'200);
    pass(duration{3'299'000});
    BOOST_TEST(key() == "ASIAFIRST");
    pass(duration{2'000});
    BOOST_TEST(key() == "ASIASECOND");
    BOOST_TEST(key() == "ASIASECOND");
    BOOST_TEST(client.requests.size() == 2u);
}

BOOST_AUTO_TEST_CASE(credentials_of_a_short_life_are_kept_for_most_of_it)
{
    give("ASIAFIRST", 240);
    BOOST_TEST(key() == "ASIAFIRST");
    give("ASIASECOND", 480);
    pass(duration{179'000});
    BOOST_TEST(key() == "ASIAFIRST");
    pass(duration{2'000});
    BOOST_TEST(key() == "ASIASECOND");
    BOOST_TEST(client.requests.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_same_that_came_back_are_not_searched_for_again_at_once)
{
    give("ASIAFIRST", 240);
    (void)key();
    pass(duration{200'000});
    (void)key();
    (void)key();
    BOOST_TEST(client.requests.size() == 2u);
    pass(duration{11'000});
    (void)key();
    BOOST_TEST(client.requests.size() == 3u);
}

BOOST_AUTO_TEST_CASE(credentials_that_cannot_be_refreshed_are_used_to_their_end)
{
    give("ASIAFIRST", 240);
    (void)key();
    answers[sts] = answer(500, "");
    pass(duration{200'000});
    BOOST_TEST(key() == "ASIAFIRST");
    BOOST_TEST(key() == "ASIAFIRST");
    BOOST_TEST(client.requests.size() == 2u);
    pass(duration{41'000});
    BOOST_CHECK_THROW(key(), failure);
}

BOOST_AUTO_TEST_SUITE_END()
