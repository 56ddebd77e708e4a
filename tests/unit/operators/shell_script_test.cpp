#include "operators/shell_script.hpp"

#include "engine/process/local_process_runner.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace potoo;
using potoo::test::operator_fixture;

namespace {

struct scripting : operator_fixture
{
    process::local_process_runner processes{loop};

    /// The script that a command becomes when `v` is worth `value`.
    static shell::script made(std::string_view command, const json::value& value)
    {
        const auto t = value_template::compile(command, expression_names().allow("v"));
        bindings names;
        names.set("v", value);
        return shell::make_script(t.parts(), names);
    }

    static std::string text(std::string_view command)
    {
        const std::string whole = made(command, "x").text;
        std::string shown;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            constexpr std::string_view variable = "${POTOO_ARG_0}";
            if (std::string_view(whole).substr(i).starts_with(variable)) {
                shown += "@";
                i += variable.size() - 1;
            } else
                shown += whole[i];
        }
        return shown;
    }

    static std::string refusal(std::string_view command)
    {
        try {
            (void)made(command, "x");
        } catch (const fatal& e) {
            return e.what();
        }
        return "accepted";
    }

    /// What the command says when /bin/sh runs it, `<` and `>` around each argument of `show`.
    std::string said(const std::string& command, const json::value& value)
    {
        const shell::script s = made("show() { printf '<%s>' \"$@\"; }\n" + command, value);
        process_spec spec;
        spec.arguments = {"/bin/sh", "-c", s.text};
        spec.environment = {"PATH=/usr/bin:/bin"};
        for (const auto& [name, text] : s.variables)
            spec.environment.push_back(name + "=" + text);
        std::string out;
        const auto end = run(processes.run(std::move(spec), [&](output_stream, std::string_view p) { out += p; }));
        BOOST_TEST(end.exit_code == 0);
        return out;
    }
};

const std::vector<std::string>& hostile_values()
{
    static const std::vector<std::string> values{"plain",
                                                 "",
                                                 "two words",
                                                 "\"; echo pwned; \"",
                                                 "'; echo pwned; '",
                                                 "$(echo pwned)",
                                                 "`echo pwned`",
                                                 "${HOME}",
                                                 "$HOME",
                                                 "*",
                                                 "~",
                                                 "a\nb\n",
                                                 "\\",
                                                 "\\\"",
                                                 "\"",
                                                 "'",
                                                 "a'b\"c",
                                                 "-n",
                                                 "--",
                                                 "#no comment",
                                                 "&& echo pwned",
                                                 "| cat",
                                                 "> /dev/x",
                                                 "<(echo x)",
                                                 "!!",
                                                 "\t tab ",
                                                 "%s%d",
                                                 "ü→🦤",
                                                 "EOF",
                                                 ")",
                                                 "}",
                                                 "))",
                                                 ";; esac",
                                                 "\r\n",
                                                 "$((1+1))",
                                                 "'\"'\"'",
                                                 "\n",
                                                 "a\\nb",
                                                 "{a,b}",
                                                 "[a-z]",
                                                 "$IFS",
                                                 "=x",
                                                 "$'\\x41'",
                                                 "a;b",
                                                 "${{ x }}",
                                                 "\x01\x7f",
                                                 "$POTOO_ARG_0",
                                                 "${POTOO_ARG_0}"};
    return values;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(shell_scripts, scripting)

BOOST_AUTO_TEST_CASE(references_fit_the_quotes_around_them)
{
    BOOST_TEST(text("show ${{ v }}") == "show \"@\"");
    BOOST_TEST(text("show a${{ v }}b") == "show a\"@\"b");
    BOOST_TEST(text("show \"a ${{ v }} b\"") == "show \"a @ b\"");
    BOOST_TEST(text("show 'a ${{ v }} b'") == "show 'a '\"@\"' b'");
    BOOST_TEST(text("'it'\\''s' ${{ v }}") == "'it'\\''s' \"@\"");
    BOOST_TEST(text("\"say \\\"\" ${{ v }}") == "\"say \\\"\" \"@\"");
    BOOST_TEST(text("\"it's ${{ v }}\"") == "\"it's @\"");
    BOOST_TEST(text("\\' ${{ v }}") == "\\' \"@\"");
}

BOOST_AUTO_TEST_CASE(substitutions_quote_anew)
{
    BOOST_TEST(text("\"$(show ${{ v }}) ${{ 'x' }}\"").starts_with("\"$(show \"@\")"));
    BOOST_TEST(text("\"$(show '${{ v }}')\"") == "\"$(show ''\"@\"'')\"");
    BOOST_TEST(text("\"$( (cd x; show ${{ v }}) )\"") == "\"$( (cd x; show \"@\") )\"");
    BOOST_TEST(text("\"$(echo a) ${{ v }}\"") == "\"$(echo a) @\"");
    BOOST_TEST(text("echo `show ${{ v }}` ok") == "echo `show \"@\"` ok");
    BOOST_TEST(text("\"`date` ${{ v }}\"") == "\"`date` @\"");
    BOOST_TEST(text("$(( ${{ v }} + (1) ))'a' ${{ v }}").starts_with("$(( @ + (1) ))'a' \""));
    BOOST_TEST(text("\"${x:-${{ v }}}\"") == "\"${x:-@}\"");
    BOOST_TEST(text("${x:-${{ v }}}") == "${x:-\"@\"}");
    BOOST_TEST(text("${x#'}'}${{ v }}") == "${x#'}'}\"@\"");
}

BOOST_AUTO_TEST_CASE(patterns_of_case_do_not_end_a_substitution)
{
    BOOST_TEST(text("\"$(case $a in x) show ${{ v }};; esac) it's\"") == "\"$(case $a in x) show \"@\";; esac) it's\"");
    BOOST_TEST(text("\"$(case $a in x) b;; (y) c;; esac) ${{ v }}\"") == "\"$(case $a in x) b;; (y) c;; esac) @\"");
    BOOST_TEST(text("\"$(echo case) ${{ v }}\"") == "\"$(echo case) @\"");
    BOOST_TEST(text("\"$(echo $(a) case) ${{ v }}\"") == "\"$(echo $(a) case) @\"");
    BOOST_TEST(text("\"$(if case x in x) true;; esac; then a; fi) ${{ v }}\"") ==
               "\"$(if case x in x) true;; esac; then a; fi) @\"");
}

BOOST_AUTO_TEST_CASE(comments_quote_nothing)
{
    BOOST_TEST(text("# don't\nshow ${{ v }}") == "# don't\nshow \"@\"");
    BOOST_TEST(text("a#b'c ${{ v }}'") == "a#b'c '\"@\"''");
    BOOST_TEST(text("echo $#'x' ${{ v }}") == "echo $#'x' \"@\"");
    BOOST_TEST(text("show # ${{ v }}\n") == "show # @\n");
}

BOOST_AUTO_TEST_CASE(here_documents_expand_without_quotes)
{
    BOOST_TEST(text("cat <<EOF\nit's ${{ v }}\nEOF\nshow ${{ 'a' }}").starts_with("cat <<EOF\nit's @\nEOF\nshow \"${"));
    BOOST_TEST(text("cat <<-EOF\n\t\"${{ v }}\n\tEOF\nshow '") == "cat <<-EOF\n\t\"@\n\tEOF\nshow '");
    BOOST_TEST(text("cat <<A <<B\n'\nA\n\"\nB\nshow ${{ v }}") == "cat <<A <<B\n'\nA\n\"\nB\nshow \"@\"");
    BOOST_TEST(text("cat <<'EOF' ; show ${{ v }}\n\"$(\nEOF\n") == "cat <<'EOF' ; show \"@\"\n\"$(\nEOF\n");
    BOOST_TEST(text("cat <<EOF\n$(show ${{ v }})\nEOF\n") == "cat <<EOF\n$(show \"@\")\nEOF\n");
}

BOOST_AUTO_TEST_CASE(places_where_no_value_can_stand_are_refused)
{
    BOOST_TEST(refusal("show \\${{ v }}") ==
               "with.command: ${{ v }}: a backslash stands right before it: write `\\\\` for a "
               "backslash, or `$${{` for a literal `${{`");
    BOOST_TEST(refusal("show \"\\${{ v }}\"").find("a backslash stands right before it") != std::string::npos);
    BOOST_TEST(refusal("show $'${{ v }}'").find("shells understand differently") != std::string::npos);
    BOOST_TEST(refusal("cat <<'EOF'\n${{ v }}\nEOF") ==
               "with.command: ${{ v }}: it stands in a here-document in which nothing is expanded: write <<EOF without "
               "quotes");
    BOOST_TEST(refusal("cat <<${{ v }}\n").find("delimiter of a here-document") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_expression_that_fails_is_named)
{
    BOOST_TEST(refusal("show ${{ from_json(v) }}").starts_with("with.command: ${{ from_json(v) }}: "));
}

BOOST_AUTO_TEST_CASE(values_are_never_code)
{
    for (const std::string& value : hostile_values()) {
        BOOST_TEST_CONTEXT(value)
        {
            const json::value v(value);
            BOOST_TEST(said("show ${{ v }}", v) == "<" + value + ">");
            BOOST_TEST(said("show a${{ v }}b ${{ v }}", v) == "<a" + value + "b><" + value + ">");
            BOOST_TEST(said("show \"a ${{ v }} b\"", v) == "<a " + value + " b>");
            BOOST_TEST(said("show 'a ${{ v }} b'", v) == "<a " + value + " b>");
            BOOST_TEST(said("x=${{ v }}; show \"$x\"", v) == "<" + value + ">");
            BOOST_TEST(said("unset x; show \"${x:-${{ v }}}\"", v) == "<" + value + ">");
            BOOST_TEST(said("case ${{ v }} in ${{ v }}) show yes;; *) show no;; esac", v) == "<yes>");
            BOOST_TEST(said("cat <<EOF_OF_TEXT\n${{ v }}\nEOF_OF_TEXT\nshow 'end'", v) == value + "\n<end>");
            BOOST_TEST(said("# isn't ${{ v }} code\nshow 'end'", v) == "<end>");
        }
    }
}

BOOST_AUTO_TEST_CASE(values_within_substitutions_are_never_code)
{
    for (const std::string& value : hostile_values()) {
        // A substitution drops the line ends at its end.
        if (value.ends_with('\n'))
            continue;
        BOOST_TEST_CONTEXT(value)
        {
            const json::value v(value);
            BOOST_TEST(said("show \"$(printf %s ${{ v }})\"", v) == "<" + value + ">");
            BOOST_TEST(said("show \"$(printf %s \"${{ v }}\") '\"", v) == "<" + value + " '>");
            BOOST_TEST(said("show \"$(printf %s '${{ v }}')\"", v) == "<" + value + ">");
        }
    }
}

BOOST_AUTO_TEST_CASE(numbers_become_text)
{
    BOOST_TEST(said("show ${{ v }} $(( ${{ v }} + 1 ))", json::value(41)) == "<41><42>");
    BOOST_TEST(said("show ${{ v }}", json::value(1.5)) == "<1.5>");
    BOOST_TEST(said("show ${{ v }}", json::value(true)) == "<true>");
    BOOST_TEST(said("show ${{ v }}", json::value(nullptr)) == "<>");
    BOOST_TEST(said("show ${{ v }}", json::parse(R"({"a": ["it's"]})")) == R"(<{"a":["it's"]}>)");
}

BOOST_AUTO_TEST_SUITE_END()
