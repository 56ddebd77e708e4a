#pragma once
/// @file
/// A shell command with expressions in it, as a script that takes their values from the environment: a value can never
/// become code.

#include <potoo/expression.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::shell {

/// Follows the quoting of a POSIX shell script as it is read piece by piece, so that a reference to a variable can be
/// put between the pieces and yields the variable's exact value as (a part of) one word.
class script_scanner
{
  public:
    script_scanner();

    /// The script goes on with `text`.
    void read(std::string_view text);

    /// The script goes on with a reference to a variable. @return how it is written at this place
    /// @throws fatal where none can stand: after a backslash, within `$'…'`, within a here-document without expansion
    [[nodiscard]] std::string refer_to(std::string_view variable);

  private:
    enum class place : std::uint8_t
    {
        code,          ///< the script itself, or within `$(…)` or `(…)`
        backticks,     ///< like code
        double_quotes, ///< "…"
        single_quotes, ///< '…'
        ansi_quotes,   ///< $'…', which not every shell knows
        braces,        ///< ${…}
        arithmetic,    ///< $((…))
        comment,
        here_document,
    };

    /// What a `)` in code ends.
    enum class code_parenthesis : std::uint8_t
    {
        none,
        group,
        substitution,
    };

    struct frame
    {
        place where = place::code;
        bool quoted = false; ///< of braces: within double quotes. Of a here-document: nothing is expanded
        int parentheses = 0; ///< of arithmetic: open ones
        code_parenthesis parenthesis = code_parenthesis::none;
        int cases = 0;              ///< of code: `case` without its `esac`; meanwhile a `)` ends a pattern
        bool strips_tabs = false;   ///< of a here-document
        std::string delimiter = {}; ///< of a here-document
    };

    enum class delimiter_state : std::uint8_t
    {
        none,
        before,
        within,
    };

    void step(char c);
    void step_code(char c);
    void step_double_quotes(char c);
    void step_braces(char c);
    void step_arithmetic(char c);
    void step_here_document(char c);
    [[nodiscard]] bool step_expansion(char c, bool quoted);
    [[nodiscard]] bool step_delimiter(char c);
    void close_parenthesis();
    void end_word();
    void end_line();
    void push(frame f);
    void pop();

    [[nodiscard]] frame& top() { return frames_.back(); }

    std::vector<frame> frames_;
    char previous_ = '\n'; ///< 0 when it has no meaning of its own
    bool escaped_ = false;
    bool substitution_opened_ = false; ///< by the last character
    std::string word_;
    bool command_position_ = true;
    delimiter_state delimiter_ = delimiter_state::none;
    char delimiter_quote_ = 0;
    frame next_document_;
    std::vector<frame> documents_; ///< begin after the end of the line
    std::string line_;             ///< of a here-document
};

struct script
{
    std::string text;
    std::vector<std::pair<std::string, std::string>> variables; ///< `POTOO_ARG_0`, …
};

/// @param parts of the command's template
/// @throws fatal when an expression cannot be evaluated, or stands where its value cannot be passed
[[nodiscard]] script make_script(const std::vector<value_template::part>& parts, const bindings& names);

/// As expressions within text are written: numbers and booleans as JSON, null as nothing, arrays and objects as JSON.
[[nodiscard]] std::string text_of(const json::value& v);

} // namespace potoo::shell
