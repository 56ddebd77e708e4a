#include "tests/unit/process/process_fixture.hpp"

#include <potoo/error.hpp>

using namespace potoo;
using namespace potoo::process;
using namespace potoo::process::test;

namespace {

struct failing : process::test::fixture
{
    std::string failure_of(process_spec spec)
    {
        try {
            run(std::move(spec));
        } catch (const failure& e) {
            BOOST_TEST(e.code() == "cannot_start");
            return e.what();
        }
        return "no failure";
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(start_failures, failing)

BOOST_AUTO_TEST_CASE(a_program_that_is_nowhere_in_the_path)
{
    BOOST_TEST(failure_of(program({"foo-bar"})) == "cannot start `foo-bar`: no such file in PATH (/usr/bin:/bin)");
    auto spec = program({"foo-bar"});
    spec.environment.clear();
    BOOST_TEST(failure_of(spec) == "cannot start `foo-bar`: no such file in PATH (/usr/local/bin:/usr/bin:/bin)");
}

BOOST_AUTO_TEST_CASE(a_path_that_does_not_exist)
{
    BOOST_TEST(failure_of(program({"/nowhere/foo"})) == "cannot start `/nowhere/foo`: no such file");
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_executed)
{
    scratch_directory dir;
    const auto file = dir.add_file("tool", "#!/bin/sh\n", false);
    BOOST_TEST(failure_of(program({file})) == "cannot start `" + file + "`: permission denied: it is not executable");
    auto spec = program({"tool"});
    spec.environment = {"PATH=" + dir.path().string() + ":/bin"};
    BOOST_TEST(failure_of(spec) == "cannot start `tool`: permission denied: " + file + " is not executable");
}

BOOST_AUTO_TEST_CASE(a_directory_instead_of_a_program)
{
    BOOST_TEST(failure_of(program({"/etc"})) == "cannot start `/etc`: it is a directory");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_program)
{
    scratch_directory dir;
    const auto file = dir.add_file("data", "echo hello\n", true);
    BOOST_TEST(failure_of(program({file})) ==
               "cannot start `" + file + "`: it is no program: a script needs a first line such as #!/bin/sh");
}

BOOST_AUTO_TEST_CASE(a_script_whose_interpreter_is_missing)
{
    scratch_directory dir;
    const auto file = dir.add_file("script", "#!/nowhere/interpreter\n", true);
    BOOST_TEST(failure_of(program({file})) ==
               "cannot start `" + file +
                   "`: the interpreter that its first line (#!) or its header names does "
                   "not exist");
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_missing_or_none)
{
    auto spec = shell("true");
    spec.directory = "/nowhere";
    BOOST_TEST(failure_of(spec) ==
               "cannot start `/bin/sh`: cannot change to its directory /nowhere: No such file or directory");
    spec.directory = "/etc/passwd";
    BOOST_TEST(failure_of(spec) ==
               "cannot start `/bin/sh`: cannot change to its directory /etc/passwd: Not a directory");
}

BOOST_AUTO_TEST_CASE(too_much_to_pass)
{
    BOOST_TEST(
        failure_of(program({"true", std::string(10'000'000, 'x')})) ==
        "cannot start `true`: its arguments and environment are too long; pass large values by standard input or a "
        "file");
}

BOOST_AUTO_TEST_CASE(zero_bytes)
{
    const std::string zero("a\0b", 3);
    BOOST_TEST(failure_of(program({"echo", zero})) == "cannot start `echo`: argument 1 holds a zero byte");
    auto spec = program({"echo"});
    spec.environment.push_back("X=" + zero);
    BOOST_TEST(failure_of(spec) == "cannot start `echo`: the environment variable X holds a zero byte");
}

BOOST_AUTO_TEST_CASE(no_name)
{
    BOOST_TEST(failure_of(program({})) == "cannot start a program without a name");
    BOOST_TEST(failure_of(program({""})) == "cannot start a program without a name");
}

BOOST_AUTO_TEST_SUITE_END()
