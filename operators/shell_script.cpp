#include "shell_script.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::shell {

namespace {

constexpr std::string_view word_ends = " \t\n;&|()<>";

bool ends_word(char c)
{
    return word_ends.find(c) != std::string_view::npos;
}

/// Words after which a command may start.
bool introduces_command(std::string_view word)
{
    constexpr std::array<std::string_view, 9> words{"then", "do", "else", "elif", "if", "while", "until", "!", "{"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

} // namespace

script_scanner::script_scanner() : frames_(1) {}

void script_scanner::push(frame f)
{
    frames_.push_back(std::move(f));
}

void script_scanner::pop()
{
    if (frames_.size() > 1)
        frames_.pop_back();
}

void script_scanner::read(std::string_view text)
{
    for (const char c : text)
        step(c);
}

void script_scanner::step(char c)
{
    if (escaped_) {
        escaped_ = false;
        previous_ = 0;
        word_ += '\\';
        line_ += c;
        return;
    }
    switch (top().where) {
    case place::code:
    case place::backticks:
        step_code(c);
        break;
    case place::double_quotes:
        step_double_quotes(c);
        break;
    case place::single_quotes:
        if (c == '\'')
            pop();
        break;
    case place::ansi_quotes:
        escaped_ = c == '\\';
        if (c == '\'')
            pop();
        break;
    case place::braces:
        step_braces(c);
        break;
    case place::arithmetic:
        step_arithmetic(c);
        break;
    case place::comment:
        if (c == '\n') {
            pop();
            step_code(c);
        }
        break;
    case place::here_document:
        step_here_document(c);
        break;
    }
    previous_ = escaped_ ? '\0' : c;
}

/// What begins alike wherever something is expanded. @return true if it was that
bool script_scanner::step_expansion(char c, bool quoted)
{
    if (c == '\\') {
        escaped_ = true;
        return true;
    }
    if (c == '`') {
        const bool closes = top().where == place::backticks;
        if (closes)
            pop();
        else
            push({.where = place::backticks});
        command_position_ = !closes;
        word_ = closes ? "`" : "";
        return true;
    }
    if (previous_ == '$' && c == '(') {
        push({.where = place::code, .parenthesis = code_parenthesis::substitution});
        substitution_opened_ = true;
        command_position_ = true;
        word_.clear();
        return true;
    }
    if (previous_ == '$' && c == '{') {
        push({.where = place::braces, .quoted = quoted});
        return true;
    }
    return false;
}

void script_scanner::step_code(char c)
{
    if (delimiter_ != delimiter_state::none && step_delimiter(c))
        return;
    if (std::exchange(substitution_opened_, false) && c == '(') {
        top() = {.where = place::arithmetic, .parentheses = 2};
        return;
    }
    if (step_expansion(c, false))
        return;
    if (c == '\'' || c == '"') {
        const bool ansi = c == '\'' && previous_ == '$';
        push({.where = c == '"' ? place::double_quotes : ansi ? place::ansi_quotes : place::single_quotes});
        word_ += c;
        return;
    }
    if (c == '#' && ends_word(previous_)) {
        push({.where = place::comment});
        return;
    }
    if (!ends_word(c)) {
        word_ += c;
        return;
    }
    end_word();
    if (c == ')') {
        close_parenthesis();
        return;
    }
    if (c == '(')
        push({.where = place::code, .parenthesis = code_parenthesis::group});
    else if (c == '<' && previous_ == '<')
        delimiter_ = delimiter_state::before;
    else if (c == '\n')
        end_line();
    if (std::string_view("\n;&|(").find(c) != std::string_view::npos)
        command_position_ = true;
}

void script_scanner::end_word()
{
    if (command_position_ && word_ == "case")
        ++top().cases;
    else if (command_position_ && word_ == "esac" && top().cases > 0)
        --top().cases;
    if (!word_.empty())
        command_position_ = command_position_ && introduces_command(word_);
    word_.clear();
}

void script_scanner::close_parenthesis()
{
    command_position_ = true;
    if (top().cases > 0 || top().parenthesis == code_parenthesis::none)
        return;
    if (top().parenthesis == code_parenthesis::substitution) {
        command_position_ = false;
        word_ = "$";
    }
    pop();
}

void script_scanner::end_line()
{
    line_.clear();
    std::reverse(documents_.begin(), documents_.end());
    for (frame& document : documents_)
        push(std::move(document));
    documents_.clear();
}

/// Reads the word after `<<`. @return false when the character is not a part of that
bool script_scanner::step_delimiter(char c)
{
    if (delimiter_ == delimiter_state::before) {
        if (c == '<') {
            // `<<<` gives one word, not a document.
            delimiter_ = delimiter_state::none;
            return true;
        }
        if (c == '-' && previous_ == '<') {
            next_document_.strips_tabs = true;
            return true;
        }
        if (c == ' ' || c == '\t')
            return true;
        delimiter_ = delimiter_state::within;
    }
    if (delimiter_quote_ != 0) {
        if (c == delimiter_quote_)
            delimiter_quote_ = 0;
        else
            next_document_.delimiter += c;
        return true;
    }
    if (c == '\'' || c == '"' || c == '\\') {
        next_document_.quoted = true;
        delimiter_quote_ = c == '\\' ? '\0' : c;
        return true;
    }
    if (!ends_word(c)) {
        next_document_.delimiter += c;
        return true;
    }
    next_document_.where = place::here_document;
    documents_.push_back(std::exchange(next_document_, {}));
    delimiter_ = delimiter_state::none;
    return false;
}

void script_scanner::step_double_quotes(char c)
{
    if (!step_expansion(c, true) && c == '"')
        pop();
}

void script_scanner::step_braces(char c)
{
    const bool quoted = top().quoted;
    if (step_expansion(c, quoted))
        return;
    if (c == '}')
        pop();
    else if (c == '"')
        push({.where = place::double_quotes});
    else if (c == '\'' && !quoted)
        push({.where = place::single_quotes});
}

void script_scanner::step_arithmetic(char c)
{
    if (step_expansion(c, true))
        return;
    if (c == '(')
        ++top().parentheses;
    else if (c == ')' && --top().parentheses == 0)
        pop();
}

void script_scanner::step_here_document(char c)
{
    if (c == '\n') {
        std::string_view line = line_;
        if (top().strips_tabs)
            line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        const bool ends = line == top().delimiter;
        line_.clear();
        if (ends)
            pop();
        return;
    }
    line_ += c;
    if (!top().quoted && step_expansion(c, true))
        line_ += '$';
}

std::string script_scanner::refer_to(std::string_view variable)
{
    if (escaped_)
        throw fatal("a backslash stands right before it: write `\\\\` for a backslash, or `$${{` for a literal `${{`");
    if (delimiter_ != delimiter_state::none)
        throw fatal("it stands in the delimiter of a here-document (<<)");
    previous_ = 0;
    word_ += '$';
    line_ += '$';
    switch (top().where) {
    case place::code:
    case place::backticks:
        return fmt::format("\"${{{}}}\"", variable);
    case place::single_quotes:
        return fmt::format("'\"${{{}}}\"'", variable);
    case place::braces:
        if (!top().quoted)
            return fmt::format("\"${{{}}}\"", variable);
        break;
    case place::ansi_quotes:
        throw fatal("it stands within $'…', which shells understand differently: use \"…\" there");
    case place::here_document:
        if (top().quoted)
            throw fatal(fmt::format("it stands in a here-document in which nothing is expanded: write <<{} without "
                                    "quotes",
                                    top().delimiter));
        break;
    case place::double_quotes:
    case place::arithmetic:
    case place::comment:
        break;
    }
    return fmt::format("${{{}}}", variable);
}

script make_script(const std::vector<value_template::part>& parts, const bindings& names)
{
    script made;
    script_scanner scanner;
    for (const value_template::part& part : parts) {
        if (const auto* text = std::get_if<std::string>(&part)) {
            scanner.read(*text);
            made.text += *text;
            continue;
        }
        const auto& e = std::get<expression>(part);
        try {
            const std::string variable = fmt::format("POTOO_ARG_{}", made.variables.size());
            made.text += scanner.refer_to(variable);
            made.variables.emplace_back(variable, text_of(e.evaluate(names)));
        } catch (const std::exception& error) {
            throw fatal(fmt::format("with.command: ${{{{ {} }}}}: {}", e.source(), error.what()));
        }
    }
    return made;
}

std::string text_of(const json::value& v)
{
    // The template says how a value looks within text; the space makes it text.
    static const value_template within_text =
        value_template::compile(" ${{ value }}", expression_names().allow("value"));
    bindings names;
    names.set("value", v);
    const json::value text = within_text.render(names);
    return std::string(std::string_view(text.as_string()).substr(1));
}

} // namespace potoo::shell
