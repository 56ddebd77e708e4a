#include "engine/graph/expression_parser.hpp"

#include "engine/graph/expression_lexer.hpp"
#include "engine/graph/expression_path.hpp"
#include "engine/graph/expression_text.hpp"
#include "engine/graph/expression_words.hpp"
#include "engine/graph/spelling.hpp"

#include <potoo/utf8.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace potoo::graph {

namespace {

constexpr std::size_t longest_source = std::size_t{64} * 1024;
constexpr std::size_t deepest = 100;

constexpr std::array equalities{comparison::equal, comparison::not_equal};
constexpr std::array orders{comparison::less, comparison::less_equal, comparison::greater, comparison::greater_equal};

/// Words of other languages for what is a symbol here.
constexpr std::array<synonym, 8> words_for_symbols{
    {{"and", "&&"}, {"AND", "&&"}, {"or", "||"}, {"OR", "||"}, {"is", "=="}, {"eq", "=="}, {"ne", "!="}, {"not", "!"}}};

constexpr std::array<synonym, 10> words_for_roots{{{"needs", "tasks"},
                                                   {"steps", "tasks"},
                                                   {"jobs", "tasks"},
                                                   {"task", "tasks"},
                                                   {"inputs", "params"},
                                                   {"parameters", "params"},
                                                   {"vars", "params"},
                                                   {"matrix", "item"},
                                                   {"each", "item"},
                                                   {"idx", "index"}}};

std::string word_for_symbol(std::string_view word)
{
    const auto* place = std::ranges::find(words_for_symbols, word, &synonym::word);
    return place != words_for_symbols.end() ? std::string(place->meaning) : std::string();
}

class parser
{
  public:
    parser(std::string_view source, const expression_names& names, detail::expression_program& program)
        : source_(source), names_(names), program_(program), tokens_(tokenize(source))
    {}

    void run()
    {
        if (peek().kind == token_kind::end) {
            throw expression_error("an expression is missing", 0);
        }
        program_.root = disjunction();
        if (peek().kind != token_kind::end) {
            unexpected("the end of the expression or an operator");
        }
    }

  private:
    /// Counts how deep the parser itself is.
    class nesting
    {
      public:
        explicit nesting(parser& p) : parser_(p)
        {
            if (++parser_.nested_ > deepest) {
                parser_.too_deep(parser_.peek().begin);
            }
        }

        nesting(const nesting&) = delete;
        nesting& operator=(const nesting&) = delete;

        ~nesting() { --parser_.nested_; }

      private:
        parser& parser_;
    };

    [[noreturn]] static void too_deep(std::size_t offset)
    {
        throw expression_error("the expression is nested more than 100 deep", offset);
    }

    [[noreturn]] void unexpected(std::string_view expected) const
    {
        const auto& t = peek();
        const auto found = t.kind == token_kind::end ? std::string("the end") : "`" + excerpt(t.text) + "`";
        throw expression_error("found " + found + " where " + std::string(expected) + " should be", t.begin,
                               t.kind == token_kind::name ? word_for_symbol(t.text) : std::string());
    }

    [[nodiscard]] const token& peek(std::size_t ahead = 0) const
    {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }

    const token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }

    [[nodiscard]] bool is_symbol(std::string_view text, std::size_t ahead = 0) const
    {
        return peek(ahead).kind == token_kind::symbol && peek(ahead).text == text;
    }

    bool accept(std::string_view text)
    {
        const bool found = is_symbol(text);
        if (found) {
            take();
        }
        return found;
    }

    void expect(std::string_view text)
    {
        if (!accept(text)) {
            unexpected("`" + std::string(text) + "`");
        }
    }

    [[nodiscard]] const expression_node& node(node_index i) const { return program_.nodes[i]; }

    template <class What>
    node_index add(What what, value_type type, std::size_t begin, std::size_t end, std::span<const node_index> children)
    {
        std::size_t depth = 1;
        for (const auto child : children) {
            depth = std::max(depth, node(child).depth + 1);
        }
        if (depth > deepest) {
            too_deep(begin);
        }
        program_.nodes.push_back(expression_node{std::move(what), type, begin, end, depth});
        return static_cast<node_index>(program_.nodes.size() - 1);
    }

    void require_boolean(node_index i, std::string_view op) const
    {
        const auto type = node(i).type;
        if (type != value_type::boolean && type != value_type::any) {
            throw expression_error("`" + std::string(op) + "` takes a boolean, not " + std::string(with_article(type)),
                                   node(i).begin);
        }
    }

    node_index disjunction()
    {
        const nesting guard(*this);
        return logical("||", &parser::conjunction);
    }

    node_index conjunction() { return logical("&&", &parser::equality); }

    node_index logical(std::string_view op, node_index (parser::*operand)())
    {
        const auto first = (this->*operand)();
        if (!is_symbol(op)) {
            return first;
        }
        logical_node result{op == "&&", {first}};
        while (accept(op)) {
            result.operands.push_back((this->*operand)());
        }
        for (const auto i : result.operands) {
            require_boolean(i, op);
        }
        const auto operands = result.operands;
        return add(std::move(result), value_type::boolean, node(first).begin, node(operands.back()).end, operands);
    }

    node_index equality() { return compared(equalities, &parser::order); }

    node_index order() { return compared(orders, &parser::unary); }

    node_index compared(std::span<const comparison> ops, node_index (parser::*operand)())
    {
        auto left = (this->*operand)();
        for (;;) {
            const auto found = std::ranges::find_if(ops, [this](comparison op) { return is_symbol(spelling(op)); });
            if (found == ops.end()) {
                return left;
            }
            const auto offset = take().begin;
            const auto right = (this->*operand)();
            check_comparison(*found, offset, node(left), node(right));
            left = add(comparison_node{*found, left, right}, value_type::boolean, node(left).begin, node(right).end,
                       std::array{left, right});
        }
    }

    static void check_comparison(comparison op, std::size_t offset, const expression_node& left,
                                 const expression_node& right)
    {
        const auto name = "`" + std::string(spelling(op)) + "`";
        const auto both = std::string(with_article(left.type)) + " and " + std::string(with_article(right.type));
        const bool known = left.type != value_type::any && right.type != value_type::any;
        if (op == comparison::equal || op == comparison::not_equal) {
            const bool null = left.type == value_type::null || right.type == value_type::null;
            if (known && !null && left.type != right.type) {
                throw expression_error(name + " compares " + both + ", which are never equal", offset);
            }
            return;
        }
        const auto ordered = [](value_type t) {
            return t == value_type::any || t == value_type::number || t == value_type::string;
        };
        if (!ordered(left.type) || !ordered(right.type) || (known && left.type != right.type)) {
            throw expression_error(name + " compares two numbers or two strings, not " + both, offset);
        }
    }

    node_index unary()
    {
        if (!is_symbol("!")) {
            return path();
        }
        const nesting guard(*this);
        const auto begin = take().begin;
        const auto operand = unary();
        require_boolean(operand, "!");
        return add(negation_node{operand}, value_type::boolean, begin, node(operand).end, std::array{operand});
    }

    node_index path()
    {
        const auto& t = peek();
        if (t.kind == token_kind::name && !is_symbol("(", 1) && !is_keyword(t.text)) {
            return named_path();
        }
        const auto begin = t.begin;
        const auto base = primary();
        const auto base_end = previous_end();
        if (!starts_step()) {
            return base;
        }
        path_node result{{}, base, base_end, {}};
        std::vector<node_index> children{base};
        auto type = node(base).type;
        while (starts_step()) {
            add_step(result, children, begin, type);
        }
        return add(std::move(result), type, begin, previous_end(), children);
    }

    node_index named_path()
    {
        const auto& name = take();
        const auto* root = names_.find(name.text);
        if (root == nullptr) {
            unknown_root(name);
        }
        path_node result{std::string(name.text), 0, name.end, {}};
        std::vector<node_index> children;
        auto type = root->type;
        if (root->closed) {
            type = closed_member(*root, name, result, children);
        }
        while (starts_step()) {
            add_step(result, children, name.begin, type);
        }
        return add(std::move(result), type, name.begin, previous_end(), children);
    }

    [[noreturn]] void unknown_root(const token& name) const
    {
        std::vector<std::string_view> candidates;
        for (const auto& root : names_.roots()) {
            candidates.push_back(root.name);
        }
        auto nearest = nearest_spelling(name.text, candidates, words_for_roots);
        if (nearest.empty()) {
            nearest = word_for_symbol(name.text);
        }
        const auto* function = find_function(name.text);
        throw expression_error(function != nullptr ? "`" + std::string(name.text) +
                                                         "` is a function: " + std::string(function->signature)
                                                   : "`" + excerpt(name.text) + "` is not a name that is known here",
                               name.begin, nearest);
    }

    /// The first step of a root whose members are known, and the second where they are known too.
    value_type closed_member(const expression_names::root_entry& root, const token& name, path_node& result,
                             std::vector<node_index>& children)
    {
        auto type = value_type::any;
        if (starts_step()) {
            add_step(result, children, name.begin, type);
        }
        const auto* member = result.steps.empty() ? nullptr : std::get_if<std::string>(&result.steps.front().what);
        if (member == nullptr) {
            throw expression_error(
                "`" + root.name + "` is used with the name of a member, as in `" + root.name + ".name`", name.begin);
        }
        const auto answer = ask(root, *member);
        const auto place = tokens_[name_token_of_last_step_].begin;
        if (!answer.exists) {
            throw expression_error("there is no `" + excerpt(*member) + "` in `" + root.name + "`" +
                                       (answer.hint.empty() ? "" : ": " + answer.hint),
                                   place, answer.suggestion);
        }
        type = answer.type;
        if (starts_step() && !answer.members.empty()) {
            add_step(result, children, name.begin, type);
            check_second(result, answer.members);
        }
        return type;
    }

    static expression_names::member_answer ask(const expression_names::root_entry& root, const std::string& member)
    {
        if (root.check) {
            return root.check(member);
        }
        const auto place = std::ranges::find(root.members, member, &expression_names::member_entry::name);
        if (place != root.members.end()) {
            return {.exists = true, .type = place->type, .hint = {}, .suggestion = {}, .members = {}};
        }
        std::vector<std::string_view> candidates;
        for (const auto& m : root.members) {
            candidates.push_back(m.name);
        }
        return {.exists = false,
                .type = value_type::any,
                .hint = root.hint,
                .suggestion = nearest_spelling(member, candidates),
                .members = {}};
    }

    void check_second(const path_node& path, std::span<const std::string_view> members) const
    {
        const auto* second = std::get_if<std::string>(&path.steps.back().what);
        if (second == nullptr || std::ranges::find(members, *second) != members.end()) {
            return;
        }
        std::string all;
        for (const auto m : members) {
            all += (all.empty() ? "`" : ", `") + std::string(m) + "`";
        }
        const auto begin = path.base_end - path.root.size();
        const auto owner = source_.substr(begin, path.steps.front().end - begin);
        throw expression_error("there is no `" + excerpt(*second) + "` in `" + excerpt(owner) + "`, only " + all,
                               tokens_[name_token_of_last_step_].begin, nearest_spelling(*second, members));
    }

    [[nodiscard]] bool starts_step() const { return is_symbol(".") || is_symbol("["); }

    [[nodiscard]] std::size_t previous_end() const { return tokens_[at_ - 1].end; }

    /// @param type of the value before the step; then of the value after it
    void add_step(path_node& path, std::vector<node_index>& children, std::size_t path_begin, value_type& type)
    {
        const auto before = source_.substr(path_begin, previous_end() - path_begin);
        const auto begin = peek().begin;
        auto step = accept(".") ? dot_step() : bracket_step(children);
        step.begin = begin;
        step.end = previous_end();
        if (type != value_type::any) {
            const auto kind = step_kind_of(step);
            if (const auto refused = step_refusal(kind, type, before); !refused.empty()) {
                throw expression_error(refused, begin);
            }
            type = type == value_type::null ? value_type::null : value_type::any;
        }
        path.steps.push_back(std::move(step));
    }

    path_step dot_step()
    {
        if (peek().kind != token_kind::name) {
            unexpected("the name of a member");
        }
        name_token_of_last_step_ = at_;
        return path_step{std::string(take().text)};
    }

    path_step bracket_step(std::vector<node_index>& children)
    {
        expect("[");
        name_token_of_last_step_ = at_;
        const auto index = disjunction();
        expect("]");
        const auto type = node(index).type;
        if (type != value_type::any && type != value_type::number && type != value_type::string) {
            throw expression_error(index_refusal(type), node(index).begin);
        }
        if (const auto* literal = std::get_if<literal_node>(&node(index).what)) {
            path_step step = constant_step(literal->value, node(index).begin);
            if (index + std::size_t{1} == program_.nodes.size()) {
                program_.nodes.pop_back();
            }
            return step;
        }
        children.push_back(index);
        return path_step{index};
    }

    static path_step constant_step(const json::value& v, std::size_t offset)
    {
        if (const auto* name = v.if_string()) {
            return path_step{std::string(*name)};
        }
        const auto position = position_of(v);
        if (!position) {
            throw expression_error(std::string(index_not_whole), offset);
        }
        return path_step{*position};
    }

    [[nodiscard]] step_kind step_kind_of(const path_step& step) const
    {
        if (const auto* computed = std::get_if<node_index>(&step.what)) {
            const auto type = node(*computed).type;
            return type == value_type::any ? step_kind::unknown
                                           : (type == value_type::string ? step_kind::member : step_kind::position);
        }
        return std::holds_alternative<std::string>(step.what) ? step_kind::member : step_kind::position;
    }

    static bool is_keyword(std::string_view text) { return text == "null" || text == "true" || text == "false"; }

    node_index primary()
    {
        const auto& t = peek();
        if (t.kind == token_kind::number || t.kind == token_kind::string) {
            return literal(t.value);
        }
        if (t.kind == token_kind::name && is_symbol("(", 1)) {
            return function_call();
        }
        if (t.kind == token_kind::name) {
            return literal(t.text == "null" ? json::value() : json::value(t.text == "true"));
        }
        if (!accept("(")) {
            unexpected("a value");
        }
        const auto inner = disjunction();
        expect(")");
        return inner;
    }

    node_index literal(const json::value& v)
    {
        const auto& t = take();
        return add(literal_node{v}, type_of(v), t.begin, t.end, {});
    }

    node_index function_call()
    {
        const auto& name = take();
        const auto* f = find_function(name.text);
        if (f == nullptr) {
            throw expression_error("there is no function `" + excerpt(name.text) + "`", name.begin,
                                   nearest_function(name.text));
        }
        expect("(");
        call_node call{f, {}};
        if (!is_symbol(")")) {
            do {
                call.arguments.push_back(disjunction());
            } while (accept(","));
        }
        if (!is_symbol(")")) {
            unexpected("`,` or `)`");
        }
        const auto end = take().end;
        check_arguments(call, name.begin);
        const auto type = f->id == function_id::default_
                              ? type_of_default(node(call.arguments[0]).type, node(call.arguments[1]).type)
                              : f->result;
        const auto arguments = call.arguments;
        return add(std::move(call), type, name.begin, end, arguments);
    }

    void check_arguments(const call_node& call, std::size_t offset) const
    {
        const auto& f = *call.function;
        const auto count = call.arguments.size();
        if (count < f.least || count > f.most) {
            const auto takes =
                f.least == f.most ? std::to_string(f.least) : std::to_string(f.least) + " to " + std::to_string(f.most);
            throw expression_error("`" + std::string(f.name) + "` takes " + takes +
                                       (f.most == 1 ? " argument, not " : " arguments, not ") + std::to_string(count) +
                                       ": " + std::string(f.signature),
                                   offset);
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (const auto refused = refusal(f, i, node(call.arguments[i]).type); !refused.empty()) {
                throw expression_error(refused, node(call.arguments[i]).begin);
            }
        }
    }

    static value_type type_of_default(value_type value, value_type fallback)
    {
        if (value == value_type::null) {
            return fallback;
        }
        return value == fallback ? value : value_type::any;
    }

    std::string_view source_;
    const expression_names& names_;
    detail::expression_program& program_;
    std::vector<token> tokens_;
    std::size_t at_ = 0;
    std::size_t nested_ = 0;
    std::size_t name_token_of_last_step_ = 0;
};

} // namespace

detail::expression_program parse_expression(std::string_view source, const expression_names& names)
{
    if (source.size() > longest_source) {
        throw expression_error("the expression is longer than 64 KiB", 0);
    }
    if (const auto invalid = find_invalid_utf8(source)) {
        throw expression_error("the expression is not valid UTF-8", *invalid);
    }
    detail::expression_program program;
    program.source = source;
    parser(source, names, program).run();
    program.nodes.shrink_to_fit();
    return program;
}

} // namespace potoo::graph
