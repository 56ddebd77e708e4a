#include "engine/graph/expression_lexer.hpp"

#include <potoo/expression.hpp>

#include <array>
#include <charconv>
#include <system_error>

namespace potoo::graph {

namespace {

constexpr bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

constexpr bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr bool continues_name(char c)
{
    return is_letter(c) || is_digit(c) || c == '-';
}

/// What is meant by text that belongs to other languages.
struct foreign_text
{
    std::string_view text;
    std::string_view message;
    std::string_view suggestion;
};

constexpr std::array foreign{
    foreign_text{"\"", "text is written in single quotes", "'"},
    foreign_text{"=", "`=` is not an operator", "=="},
    foreign_text{"&", "`&` is not an operator", "&&"},
    foreign_text{"|", "`|` is not an operator", "||"},
    foreign_text{"+", "`+` is not an operator: expressions do not calculate", ""},
    foreign_text{"-", "`-` is not an operator: expressions do not calculate", ""},
    foreign_text{"*", "`*` is not an operator: expressions do not calculate", ""},
    foreign_text{"/", "`/` is not an operator: expressions do not calculate", ""},
    foreign_text{"%", "`%` is not an operator: expressions do not calculate", ""},
    foreign_text{"{", "an object cannot be written in an expression", ""},
    foreign_text{"$", "`$` has no meaning within an expression: names stand alone", ""},
};

/// Longer ones first.
constexpr std::array<std::string_view, 15> symbols{"==", "!=", "<=", ">=", "&&", "||", "<", ">",
                                                   "!",  "(",  ")",  "[",  "]",  ".",  ","};

class lexer
{
  public:
    explicit lexer(std::string_view source) : source_(source) {}

    std::vector<token> run()
    {
        do {
            tokens_.push_back(next());
        } while (tokens_.back().kind != token_kind::end);
        return std::move(tokens_);
    }

  private:
    [[nodiscard]] char at(std::size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

    [[nodiscard]] bool follows_dot() const { return !tokens_.empty() && tokens_.back().text == "."; }

    [[nodiscard]] token finish(token_kind kind, std::size_t end)
    {
        token t{kind, at_, end, source_.substr(at_, end - at_), nullptr};
        at_ = end;
        return t;
    }

    token next()
    {
        while (at_ < source_.size() && is_space(source_[at_])) {
            ++at_;
        }
        if (at_ == source_.size()) {
            return finish(token_kind::end, at_);
        }
        const char c = source_[at_];
        if (is_letter(c) || (follows_dot() && is_digit(c))) {
            return name();
        }
        if (is_digit(c) || (c == '-' && is_digit(at(at_ + 1)))) {
            return number();
        }
        return c == '\'' ? string() : symbol();
    }

    token name()
    {
        auto end = at_;
        while (end < source_.size() && continues_name(source_[end])) {
            ++end;
        }
        return finish(token_kind::name, end);
    }

    std::size_t skip_digits(std::size_t from) const
    {
        while (is_digit(at(from))) {
            ++from;
        }
        return from;
    }

    token number()
    {
        const auto start = at_;
        const auto first = at(start) == '-' ? start + 1 : start;
        auto end = skip_digits(first);
        const bool leading_zero = at(first) == '0' && end > first + 1;
        bool whole = true;
        if (at(end) == '.' && is_digit(at(end + 1))) {
            whole = false;
            end = skip_digits(end + 1);
        }
        if (at(end) == 'e' || at(end) == 'E') {
            const auto digits = at(end + 1) == '+' || at(end + 1) == '-' ? end + 2 : end + 1;
            if (is_digit(at(digits))) {
                whole = false;
                end = skip_digits(digits);
            }
        }
        if (leading_zero || continues_name(at(end)) || at(end) == '.') {
            throw expression_error("this is not a number", start);
        }
        auto t = finish(token_kind::number, end);
        t.value = whole ? whole_value(t) : parse<double>(t);
        return t;
    }

    static json::value whole_value(const token& t)
    {
        std::int64_t value = 0;
        if (std::from_chars(t.text.data(), t.text.data() + t.text.size(), value).ec == std::errc{}) {
            return value;
        }
        return parse<std::uint64_t>(t);
    }

    template <class Number>
    static json::value parse(const token& t)
    {
        Number value{};
        if (std::from_chars(t.text.data(), t.text.data() + t.text.size(), value).ec != std::errc{}) {
            throw expression_error("the number is out of range", t.begin);
        }
        return value;
    }

    token string()
    {
        std::string value;
        for (auto i = at_ + 1; i < source_.size(); ++i) {
            if (source_[i] != '\'') {
                value += source_[i];
            } else if (at(i + 1) == '\'') {
                value += '\'';
                ++i;
            } else {
                auto t = finish(token_kind::string, i + 1);
                t.value = json::string(value);
                return t;
            }
        }
        throw expression_error("the text that starts here has no closing quote", at_);
    }

    token symbol()
    {
        const auto rest = source_.substr(at_);
        for (const auto s : symbols) {
            if (rest.starts_with(s)) {
                return finish(token_kind::symbol, at_ + s.size());
            }
        }
        for (const auto& f : foreign) {
            if (rest.starts_with(f.text)) {
                throw expression_error(std::string(f.message), at_, std::string(f.suggestion));
            }
        }
        const auto c = static_cast<unsigned char>(source_[at_]);
        throw expression_error(c < ' ' || c == 0x7F ? "a control character has no place in an expression"
                                                    : "`" + std::string(1, source_[at_]) + "` has no meaning here",
                               at_);
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::vector<token> tokens_;
};

} // namespace

std::vector<token> tokenize(std::string_view source)
{
    return lexer(source).run();
}

} // namespace potoo::graph
