#include "engine/process/local_process_runner.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

#include <stdlib.h>

using namespace potoo;
using potoo::test::fake_context;
using potoo::test::operator_fixture;
using potoo::test::started_task;

namespace {

/// Where temporary files go while it lives.
class temporary_directory
{
  public:
    temporary_directory()
    {
        std::string name = "/tmp/potoo-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path_ = name;
        ::setenv("TMPDIR", path_.c_str(), 1);
    }

    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    ~temporary_directory()
    {
        ::unsetenv("TMPDIR");
        std::filesystem::remove_all(path_);
    }

    [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(path_); }

  private:
    std::filesystem::path path_;
};

struct shells : operator_fixture
{
    temporary_directory temporary;
    process::local_process_runner processes{loop};
    std::string standard_output;
    std::string standard_error;
    std::vector<std::string> log;

    json::value run(fake_context& ctx)
    {
        ctx.runner = &processes;
        try {
            auto output = operator_fixture::run(ctx.perform());
            keep(ctx);
            return output;
        } catch (...) {
            keep(ctx);
            throw;
        }
    }

    void keep(const fake_context& ctx)
    {
        standard_output = ctx.standard_output;
        standard_error = ctx.standard_error;
        log = ctx.lines;
    }

    json::value run_with(std::string_view with)
    {
        fake_context ctx(loop, "shell", with);
        return run(ctx);
    }

    json::value run_command(std::string_view command, json::object more = {})
    {
        more["command"] = command;
        return run_with(json::serialize(more));
    }

    /// `class code: message` of the failure.
    std::string failure_of(std::string_view with)
    {
        try {
            run_with(with);
        } catch (const task_error& e) {
            return std::string(to_string(e.classification())) + " " + e.code() + ": " + e.what();
        }
        return "success";
    }

    std::string failure_of_command(std::string_view command, json::object more = {})
    {
        more["command"] = command;
        return failure_of(json::serialize(more));
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(shell_operator, shells)

BOOST_AUTO_TEST_CASE(last_line_is_the_output)
{
    BOOST_TEST(run_command("echo first; echo '{\"n\": 1}'; echo") == json::parse(R"({"n": 1})"));
    BOOST_TEST(run_command("echo hello world") == json::value("hello world"));
    BOOST_TEST(run_command("echo 42") == json::value(42));
    BOOST_TEST(run_command("true").is_null());
    BOOST_TEST(run_command("echo no >&2").is_null());
}

BOOST_AUTO_TEST_CASE(output_file_comes_before_the_last_line)
{
    BOOST_TEST(run_command(R"(echo line; printf '{"a":\n [1]}\n' > "$POTOO_OUTPUT")") == json::parse(R"({"a": [1]})"));
    BOOST_TEST(run_command(R"(echo line; printf ' \n' > "$POTOO_OUTPUT")") == json::value("line"));
    BOOST_TEST(run_command(R"(echo line; rm "$POTOO_OUTPUT")") == json::value("line"));
    BOOST_TEST(run_command(R"(echo '"new"' > x.json && mv x.json "$POTOO_OUTPUT")", {{"cwd", "/tmp"}}) ==
               json::value("new"));
}

BOOST_AUTO_TEST_CASE(output_file_must_be_json_and_small)
{
    BOOST_TEST(failure_of_command(R"(printf '{\n "a": x}' > "$POTOO_OUTPUT")") ==
               "retryable output: the file $POTOO_OUTPUT is not JSON: syntax error at line 2, column 7");
    BOOST_TEST(failure_of_command(R"(printf '[1' > "$POTOO_OUTPUT")") ==
               "retryable output: the file $POTOO_OUTPUT is not JSON: incomplete JSON at line 1, column 3");
    BOOST_TEST(failure_of_command(R"(printf '1\n2\n' > "$POTOO_OUTPUT")") ==
               "retryable output: the file $POTOO_OUTPUT is not JSON: extra data at line 2, column 1");
    BOOST_TEST(
        failure_of_command(R"(head -c 1048577 /dev/zero > "$POTOO_OUTPUT")") ==
        "retryable output: the file $POTOO_OUTPUT is larger than 1 MiB, the limit of a task's output: put the data "
        "elsewhere and its place into the output");
    BOOST_TEST(failure_of_command(R"(rm "$POTOO_OUTPUT"; mkdir "$POTOO_OUTPUT")") ==
               "retryable output: $POTOO_OUTPUT is not a file any more");
}

BOOST_AUTO_TEST_CASE(an_overlong_last_line_is_a_failure_unless_nobody_wants_it)
{
    const char* command = "head -c 1100000 /dev/zero | tr '\\0' x";
    BOOST_TEST(
        failure_of_command(command).starts_with("retryable output: the last line of output is longer than 1 MiB"));
    BOOST_TEST(run_command(command, {{"output", "none"}}).is_null());
}

BOOST_AUTO_TEST_CASE(output_form_can_be_chosen)
{
    BOOST_TEST(run_command("echo 42", {{"output", "text"}}) == json::value("42"));
    BOOST_TEST(run_command("printf 'a\\nb\\n' > $POTOO_OUTPUT", {{"output", "text"}}) == json::value("a\nb"));
    BOOST_TEST(run_command("echo 42", {{"output", "json"}}) == json::value(42));
    BOOST_TEST(run_command("echo 42 > $POTOO_OUTPUT", {{"output", "none"}}).is_null());
    BOOST_TEST(failure_of_command("echo hello", {{"output", "json"}}) ==
               "retryable output: the last line of output is not JSON, and `output: json` asks for that");
    BOOST_TEST(failure_of_command("true", {{"output", "json"}}) ==
               "retryable output: there is no output, and `output: json` asks for some");
}

BOOST_AUTO_TEST_CASE(invalid_utf8_in_the_output_is_replaced_and_said)
{
    BOOST_TEST(run_command("printf 'a\\377z\\n'") == json::value("a\xEF\xBF\xBDz"));
    BOOST_TEST(log.size() == 1u);
}

BOOST_AUTO_TEST_CASE(both_streams_reach_the_log)
{
    run_command("echo out; echo err >&2");
    BOOST_TEST(standard_output == "out\n");
    BOOST_TEST(standard_error == "err\n");
}

BOOST_AUTO_TEST_CASE(exit_codes_fail_with_the_last_error_line)
{
    BOOST_TEST(failure_of_command("echo one >&2; echo two >&2; exit 3") == "retryable exit_3: exit code 3: two");
    BOOST_TEST(failure_of_command("exit 1") == "retryable exit_1: exit code 1");
    BOOST_TEST(failure_of_command("kill -9 $$") == "retryable signal_9: killed by signal 9 (KILL)");
    BOOST_TEST(failure_of_command("no-such-program 2>/dev/null") == "retryable exit_127: exit code 127");
}

BOOST_AUTO_TEST_CASE(an_exit_code_can_mean_skipped)
{
    BOOST_TEST(failure_of_command("echo nothing new >&2; exit 99", {{"skip_exit_code", 99}}) ==
               "skip : exit code 99: nothing new");
    BOOST_TEST(failure_of_command("exit 98", {{"skip_exit_code", 99}}) == "retryable exit_98: exit code 98");
}

BOOST_AUTO_TEST_CASE(argument_lists_need_no_shell)
{
    BOOST_TEST(run_with(R"({"command": ["printf", "<%s>", "a b", "$HOME", 1, true]})") ==
               json::value("<a b><$HOME><1><true>"));
    BOOST_TEST(failure_of(R"({"command": ["no-such-program"]})")
                   .starts_with("retryable cannot_start: cannot start `no-such-program`: no such file in PATH"));
}

BOOST_AUTO_TEST_CASE(expressions_reach_the_command)
{
    fake_context line(loop, "shell", R"({"command": "printf '<%s>' ${{ params.a }} \"x ${{ params.b }}\""})");
    line.bind("params", json::parse(R"({"a": "$(echo pwned); \"'", "b": [1]})"));
    BOOST_TEST(run(line) == json::value("<$(echo pwned); \"'><x [1]>"));

    fake_context list(loop, "shell", R"({"command": ["printf", "<%s>", "${{ params.a }}", "n=${{ params.n }}"]})");
    list.bind("params", json::parse(R"({"a": "a b", "n": 1.5})"));
    BOOST_TEST(run(list) == json::value("<a b><n=1.5>"));

    fake_context whole(loop, "shell", R"({"command": "${{ params.c }}"})");
    whole.bind("params", json::parse(R"({"c": ["echo", "a;b"]})"));
    BOOST_TEST(run(whole) == json::value("a;b"));
}

BOOST_AUTO_TEST_CASE(a_value_is_never_a_command_line)
{
    fake_context ctx(loop, "shell", R"({"command": "${{ params.c }}"})");
    ctx.bind("params", json::parse(R"({"c": "echo pwned"})"));
    BOOST_CHECK_EXCEPTION(run(ctx), fatal, [](const fatal& e) {
        return std::string_view(e.what()).starts_with(
            "with.command: is \"echo pwned\": it must be a command line or a list");
    });
    BOOST_TEST(failure_of(R"({"command": {"a": 1}})").starts_with("fatal : with.command: is {\"a\":1}"));
    BOOST_TEST(failure_of(R"({"command": []})").starts_with("fatal : with.command: is an empty list"));
    BOOST_TEST(failure_of(R"({})") == "fatal : with.command: is missing");
}

BOOST_AUTO_TEST_CASE(environment_has_its_layers)
{
    ::setenv("POTOO_TEST_LAYER_A", "engine", 1);
    ::setenv("POTOO_TEST_LAYER_B", "engine", 1);
    ::setenv("POTOO_TEST_LAYER_C", "engine", 1);
    ::setenv("POTOO_TEST_LAYER_D", "engine", 1);
    fake_context ctx(
        loop, "shell",
        R"({"command": "echo $POTOO_TEST_LAYER_A,$POTOO_TEST_LAYER_B,$POTOO_TEST_LAYER_C,${POTOO_TEST_LAYER_D-gone}",
                         "env": {"POTOO_TEST_LAYER_C": 3, "POTOO_TEST_LAYER_D": null}})");
    ctx.variables = {{"POTOO_TEST_LAYER_B", "task"}, {"POTOO_TEST_LAYER_C", "task"}};
    BOOST_TEST(run(ctx) == json::value("engine,task,3,gone"));
}

BOOST_AUTO_TEST_CASE(the_command_knows_whose_it_is)
{
    fake_context ctx(
        loop, "shell",
        R"json({"command": "echo $POTOO_RUN/$POTOO_TASK/$POTOO_ITEM/$POTOO_ATTEMPT/$POTOO_TOKEN/$(wc -c < $POTOO_OUTPUT)"})json");
    ctx.item_position = item_index(4);
    ctx.attempt_count = attempt_number(2);
    BOOST_TEST(run(ctx) == json::value("run000000001/task/4/2/potoo-run000000001-task/0"));
}

BOOST_AUTO_TEST_CASE(directory_and_input_are_given)
{
    BOOST_TEST(run_command("pwd", {{"cwd", "/usr"}}) == json::value("/usr"));
    BOOST_TEST(run_command("cat", {{"stdin", "some text"}}) == json::value("some text"));
    BOOST_TEST(run_command("cat", {{"stdin", json::object{{"a", 1}}}}) == json::parse(R"({"a": 1})"));
    BOOST_TEST(run_command("cat").is_null());
    BOOST_TEST(
        failure_of_command("true", {{"cwd", "/nowhere"}}) ==
        "retryable cannot_start: cannot start `/bin/sh`: cannot change to its directory /nowhere: No such file or "
        "directory");
}

BOOST_AUTO_TEST_CASE(temporary_file_is_removed)
{
    run_command("echo 1 > $POTOO_OUTPUT");
    failure_of_command("exit 1");
    failure_of(R"({"command": ["no-such-program"]})");
    BOOST_TEST(temporary.is_empty());
}

BOOST_AUTO_TEST_CASE(cancellation_passes_after_the_grace)
{
    fake_context ctx(loop, "shell", R"({"command": "trap '' TERM; echo ready; sleep 1000", "grace": "10ms"})");
    ctx.runner = &processes;
    started_task<json::value> t(loop, ctx.perform());
    context.restart();
    while (ctx.standard_output != "ready\n")
        BOOST_REQUIRE(context.run_one() != 0);
    t.cancel(cancel_reason::deadline);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(temporary.is_empty());
}

BOOST_AUTO_TEST_CASE(wrong_properties_are_refused)
{
    BOOST_CHECK_THROW(run_with(R"({"command": "true", "comand": 1})"), std::invalid_argument);
    BOOST_CHECK_THROW(run_with(R"({"command": "true", "grace": "soon"})"), std::invalid_argument);
    BOOST_CHECK_THROW(run_with(R"({"command": "true", "output": "yaml"})"), std::invalid_argument);
    BOOST_CHECK_THROW(run_with(R"({"command": "true", "skip_exit_code": 0})"), std::invalid_argument);
    BOOST_TEST(failure_of(R"({"command": "true", "env": {"A=B": "x"}})") ==
               "fatal : with.env: `A=B` is no name of an environment variable");
}

BOOST_AUTO_TEST_SUITE_END()
