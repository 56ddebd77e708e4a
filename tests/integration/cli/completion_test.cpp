#include "program.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

using namespace potoo::cli::test;

namespace {

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

/// What bash offers for the words of a command line; the last is being completed.
std::string offered(const workspace& w, const std::string& words)
{
    w.write("try.sh",
            "source ./potoo.bash\nCOMP_WORDS=(" + words +
                ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_potoo\nprintf '%s\\n' \"${COMPREPLY[@]}\" > offered\n");
    BOOST_REQUIRE(std::system(("cd " + w.path().string() + " && bash try.sh").c_str()) == 0);
    return w.read("offered");
}

} // namespace

BOOST_AUTO_TEST_SUITE(completion)

BOOST_AUTO_TEST_CASE(bash_completes_commands_options_operators_and_runs)
{
    const workspace w;
    w.write("potoo.bash", run_potoo(w, {"completion", "bash"}).out);
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    BOOST_REQUIRE(std::system(("bash -n " + (w.path() / "potoo.bash").string()).c_str()) == 0);
    const std::string program = POTOO_PROGRAM;
    BOOST_TEST(holds(offered(w, program + " va"), "validate"));
    BOOST_TEST(!holds(offered(w, program + " c"), "complete-words"));
    BOOST_TEST(holds(offered(w, program + " run --ep"), "--ephemeral"));
    BOOST_TEST(holds(offered(w, program + " ls -o j"), "json"));
    BOOST_TEST(holds(offered(w, program + " operators htt"), "http_job"));
    BOOST_TEST(holds(offered(w, program + " status ''"), latest_run(w)));
    BOOST_TEST(holds(offered(w, program + " run a."), "a.yaml"));
    BOOST_TEST(holds(offered(w, program + " token cr"), "create"));
    BOOST_TEST(holds(offered(w, program + " token create --ro"), "--role"));
    BOOST_TEST(holds(offered(w, program + " token create --role a"), "admin"));
    BOOST_TEST(holds(offered(w, program + " submit htt"), "http_job"));
}

BOOST_AUTO_TEST_CASE(zsh_script_has_correct_syntax)
{
    const workspace w;
    w.write("_potoo", run_potoo(w, {"completion", "zsh"}).out);
    BOOST_TEST(holds(w.read("_potoo"), "#compdef potoo"));
    if (std::system("command -v zsh > /dev/null 2>&1") != 0) {
        BOOST_TEST_MESSAGE("there is no zsh here to check its syntax");
        return;
    }
    BOOST_TEST(std::system(("zsh -n " + (w.path() / "_potoo").string()).c_str()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
