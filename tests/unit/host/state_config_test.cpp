#include "engine/host/state_config.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace potoo;
using namespace potoo::host;
using namespace std::chrono_literals;

namespace {

void check_problem(const std::string& text, const std::string& part)
{
    BOOST_CHECK_EXCEPTION(static_cast<void>(parse_state_config(text, "c.yaml")), config_error,
                          [&](const config_error& e) {
                              BOOST_TEST(std::string(e.what()).find(part) != std::string::npos, e.what());
                              return true;
                          });
}

} // namespace

BOOST_AUTO_TEST_SUITE(state_configuration)

BOOST_AUTO_TEST_CASE(rules_are_read)
{
    const state_config c = parse_state_config("keep_runs: 20\nkeep_for: 30d\n", "c.yaml");
    BOOST_CHECK(c.keep.keep_runs == 20u);
    BOOST_CHECK(c.keep.keep_for == duration(30 * 24h));
}

BOOST_AUTO_TEST_CASE(limits_are_read)
{
    const state_config c =
        parse_state_config("limits: {max_attempts: 5000, max_running: 100, max_memory: 2GiB}\n", "c.yaml");
    BOOST_CHECK((c.limits == runtime::start_limits{5000, std::uint64_t{2} << 30, 100}));
    const state_config one = parse_state_config("keep_runs: 2\nlimits:\n  max_memory: 1.5 GB\n", "c.yaml");
    BOOST_CHECK((one.limits == runtime::start_limits{0, 1'500'000'000, 0}));
    BOOST_CHECK(one.keep.keep_runs == 2u);
}

BOOST_AUTO_TEST_CASE(what_one_configuration_leaves_open_is_as_the_one_under_it_says)
{
    const state_config under =
        parse_state_config("keep_runs: 2\nlimits: {max_attempts: 5, max_running: 3}\n", "c.yaml");
    const state_config over = parse_state_config("limits: {max_attempts: 7}\n", "c.yaml");
    const state_config both = laid_over(under, over);
    BOOST_CHECK(both.keep.keep_runs == 2u);
    BOOST_CHECK((both.limits == runtime::start_limits{7, 0, 3}));
    const state_config other = laid_over(under, parse_state_config("keep_for: 1d\n", "c.yaml"));
    BOOST_CHECK(!other.keep.keep_runs);
    BOOST_CHECK(other.keep.keep_for == duration(24h));
    BOOST_CHECK((other.limits == under.limits));
}

BOOST_AUTO_TEST_CASE(secrets_and_connections_are_read_and_laid_over_by_name)
{
    const state_config under = parse_state_config("secrets: {a: {file: key}, b: {env: B}}\n"
                                                  "connections: {hpc: {type: slurm, token: \"${{ secrets.a }}\"}}\n",
                                                  "/etc/potoo/c.yaml");
    BOOST_TEST(under.outside.secrets.front().argument.front() == "/etc/potoo/key");
    const state_config over = parse_state_config("secrets: {b: {env: C}}\nconnections: {db: {type: sql}}\n", "c.yaml");
    const state_config both = laid_over(under, over);
    BOOST_TEST(names_of_secrets(both.outside) == (std::vector<std::string>{"a", "b"}),
               boost::test_tools::per_element());
    BOOST_TEST(both.outside.secrets.back().argument.front() == "C");
    BOOST_TEST(both.outside.connections.size() == 2u);
}

BOOST_AUTO_TEST_CASE(secrets_and_connections_that_are_none_have_their_place)
{
    check_problem("secrets: {a: {env: A, file: b}}\n", "c.yaml:1:14: error: `secrets.a` must have exactly one of");
    check_problem("connections: {hpc: {url: x}}\n", "c.yaml:1:15: error: `connections.hpc.type` is missing");
    check_problem("connections: {hpc: {type: slurm, token: \"${{ secrets.b }}\"}}\n", "there are no `secrets`");
    check_problem("connections: {hpc: {type: slurm, token: \"${{ params.z }}\"}}\n",
                  "`params` are not known in a configuration");
    check_problem("connections: 500\n", "`connections` must be a map");
}

BOOST_AUTO_TEST_CASE(limits_that_are_none_have_their_place)
{
    check_problem("limits: 5\n", "c.yaml:1:9: error: `limits` must be a map");
    check_problem("limits: {max_attempts: 0}\n", "`max_attempts`");
    check_problem("limits: {max_running: none}\n", "`max_running`");
    check_problem("limits: {max_rss: 2GiB}\n", "did you mean `max_memory`?");
    check_problem("limits: {max_memory: 2048}\n", "did you mean `2048MiB`?");
    check_problem("limits: {max_memory: 2G}\n", "c.yaml:1:22: error: `max_memory` must be a size of memory");
    check_problem("limits: {max_memory: 0B}\n", "such as 512MiB or 2GiB");
}

BOOST_AUTO_TEST_CASE(nothing_is_configured_by_an_empty_file_or_none)
{
    BOOST_CHECK(parse_state_config("# nothing yet\n", "c.yaml").keep == journal::retention());
    BOOST_CHECK(parse_state_config("keep_runs: 1\n", "c.yaml").limits == runtime::start_limits());
    const host::test::scratch_state s;
    BOOST_CHECK(read_state_config(s.layout()).keep == journal::retention());
}

BOOST_AUTO_TEST_CASE(problems_have_their_place)
{
    check_problem("keep_rnus: 1\n", "c.yaml:1:1: error: unknown key");
    check_problem("keep_rnus: 1\n", "did you mean `keep_runs`?");
    check_problem("keep_runs: -1\n", "c.yaml:1:12: error: `keep_runs`");
    check_problem("keep_runs: many\n", "`keep_runs`");
    check_problem("keep_for: 30\n", "c.yaml:1:11: error: `keep_for`");
    check_problem("keep_for: 30\n", "did you mean `30d`?");
    check_problem("- keep_runs\n", "must be a map");
    check_problem("keep_runs: [\n", "c.yaml:");
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused)
{
    const host::test::scratch_state s;
    std::filesystem::create_directory(s.path() / "config.yaml");
    BOOST_CHECK_THROW(static_cast<void>(read_state_config(s.layout())), config_error);
}

BOOST_AUTO_TEST_SUITE_END()
