#include "engine/graph/expression_evaluate.hpp"

#include "engine/graph/expression_compare.hpp"
#include "engine/graph/expression_path.hpp"
#include "engine/graph/expression_words.hpp"

#include <boost/container/static_vector.hpp>

namespace potoo::graph {

namespace {

const json::value null_value;

/// Where a step leads: into an object by name, or into an array by position.
struct target
{
    step_kind kind = step_kind::member;
    std::string_view name;
    std::int64_t position = 0;
};

const json::value* member_of(const json::object& object, std::string_view name)
{
    return object.if_contains(name);
}

const json::value* element_of(const json::array& array, std::int64_t position)
{
    return position >= 0 ? array.if_contains(static_cast<std::size_t>(position)) : nullptr;
}

/// Recursion goes as deep as the program, which the parser limits.
class evaluator
{
  public:
    evaluator(const detail::expression_program& program, const bindings& b) : program_(program), bindings_(b) {}

    operand value_of(node_index i) const
    {
        const auto& node = program_.nodes[i];
        return std::visit([&](const auto& what) { return value_of(what, node); }, node.what);
    }

    /// @return null when the path leads to nothing
    const json::value* follow_name(const path_node& path, const expression_node& node) const
    {
        const auto* whole = bindings_.find(path.root);
        if (whole != nullptr) {
            return follow(*whole, path, 0, node);
        }
        if (!bindings_.is_bound(path.root)) {
            throw expression_error("`" + path.root + "` has no value here", node.begin);
        }
        return follow_members(path, node);
    }

  private:
    [[nodiscard]] bool boolean_of(node_index i, std::string_view op) const
    {
        const auto operand = value_of(i);
        if (const auto* b = operand.get().if_bool()) {
            return *b;
        }
        throw expression_error("`" + std::string(op) + "` takes a boolean, not " +
                                   std::string(with_article(operand.get())),
                               program_.nodes[i].begin);
    }

    static operand value_of(const literal_node& n, const expression_node&) { return operand(n.value); }

    operand value_of(const path_node& n, const expression_node& node) const
    {
        if (!n.root.empty()) {
            const auto* found = follow_name(n, node);
            return operand(found != nullptr ? *found : null_value);
        }
        auto base = value_of(n.base);
        const auto* found = follow(base.get(), n, 0, node);
        return operand(found != nullptr ? json::value(*found) : json::value());
    }

    operand value_of(const logical_node& n, const expression_node&) const
    {
        for (const auto i : n.operands) {
            if (boolean_of(i, n.conjunction ? "&&" : "||") != n.conjunction) {
                return operand(json::value(!n.conjunction));
            }
        }
        return operand(json::value(n.conjunction));
    }

    operand value_of(const negation_node& n, const expression_node&) const
    {
        return operand(json::value(!boolean_of(n.operand, "!")));
    }

    operand value_of(const comparison_node& n, const expression_node&) const
    {
        const auto left = value_of(n.left);
        const auto right = value_of(n.right);
        return operand(json::value(compare(n, left.get(), right.get())));
    }

    operand value_of(const call_node& n, const expression_node&) const
    {
        if (n.function->id == function_id::default_) {
            auto value = value_of(n.arguments[0]);
            return value.get().is_null() ? value_of(n.arguments[1]) : std::move(value);
        }
        boost::container::static_vector<operand, most_arguments> values;
        boost::container::static_vector<argument, most_arguments> arguments;
        for (std::size_t i = 0; i < n.arguments.size(); ++i) {
            const auto offset = program_.nodes[n.arguments[i]].begin;
            values.push_back(value_of(n.arguments[i]));
            if (const auto refused = refusal(*n.function, i, type_of(values.back().get())); !refused.empty()) {
                throw expression_error(refused, offset);
            }
            arguments.push_back(argument{&values.back().get(), offset});
        }
        return operand(call(*n.function, std::span<const argument>(arguments.data(), arguments.size())));
    }

    [[nodiscard]] bool compare(const comparison_node& n, const json::value& left, const json::value& right) const
    {
        switch (n.op) {
        case comparison::equal:
            return deep_equal(left, right);
        case comparison::not_equal:
            return !deep_equal(left, right);
        case comparison::less:
            return ordered(n, left, right) < 0;
        case comparison::less_equal:
            return ordered(n, left, right) <= 0;
        case comparison::greater:
            return ordered(n, left, right) > 0;
        case comparison::greater_equal:
            return ordered(n, left, right) >= 0;
        }
        return false;
    }

    [[nodiscard]] std::partial_ordering ordered(const comparison_node& n, const json::value& left,
                                                const json::value& right) const
    {
        if (left.is_number() && right.is_number()) {
            return compare_numbers(left, right);
        }
        if (left.is_string() && right.is_string()) {
            return left.get_string().compare(right.get_string()) <=> 0;
        }
        const auto& wrong = left.is_number() || left.is_string() ? n.right : n.left;
        throw expression_error("`" + std::string(spelling(n.op)) + "` compares two numbers or two strings, not " +
                                   std::string(with_article(left)) + " and " + std::string(with_article(right)),
                               program_.nodes[wrong].begin);
    }

    /// A root of which only members can be had.
    const json::value* follow_members(const path_node& path, const expression_node& node) const
    {
        if (path.steps.empty()) {
            throw expression_error(
                "`" + path.root + "` is used with the name of a member, as in `" + path.root + ".name`", node.begin);
        }
        const json::value* found = nullptr;
        with_target(path.steps.front(), [&](const target& t) {
            check(t, value_type::object, path, 0, node);
            found = bindings_.find_member(path.root, t.name);
        });
        return found != nullptr ? follow(*found, path, 1, node) : nullptr;
    }

    const json::value* follow(const json::value& start, const path_node& path, std::size_t from,
                              const expression_node& node) const
    {
        const json::value* value = &start;
        for (auto i = from; i < path.steps.size(); ++i) {
            if (value == nullptr || value->is_null()) {
                return nullptr;
            }
            with_target(path.steps[i], [&](const target& t) {
                check(t, type_of(*value), path, i, node);
                const auto* object = value->if_object();
                value = object != nullptr ? member_of(*object, t.name) : element_of(value->get_array(), t.position);
            });
        }
        return value;
    }

    /// The name in a computed target lives as long as the call.
    template <class Use>
    void with_target(const path_step& step, const Use& use) const
    {
        if (const auto* name = std::get_if<std::string>(&step.what)) {
            return use(target{step_kind::member, *name, 0});
        }
        if (const auto* position = std::get_if<std::int64_t>(&step.what)) {
            return use(target{step_kind::position, {}, *position});
        }
        const auto computed = std::get<node_index>(step.what);
        const auto offset = program_.nodes[computed].begin;
        const auto index = value_of(computed);
        if (const auto* name = index.get().if_string()) {
            return use(target{step_kind::member, *name, 0});
        }
        if (!index.get().is_number()) {
            throw expression_error(index_refusal(type_of(index.get())), offset);
        }
        const auto position = position_of(index.get());
        if (!position) {
            throw expression_error(std::string(index_not_whole), offset);
        }
        use(target{step_kind::position, {}, *position});
    }

    void check(const target& t, value_type type, const path_node& path, std::size_t step,
               const expression_node& node) const
    {
        const bool fits = type == (t.kind == step_kind::member ? value_type::object : value_type::array);
        if (fits) {
            return;
        }
        const auto end = step == 0 ? path.base_end : path.steps[step - 1].end;
        const auto before = std::string_view(program_.source).substr(node.begin, end - node.begin);
        throw expression_error(step_refusal(t.kind, type, before), path.steps[step].begin);
    }

    const detail::expression_program& program_;
    const bindings& bindings_;
};

} // namespace

operand evaluate(const detail::expression_program& program, const bindings& b)
{
    return evaluator(program, b).value_of(program.root);
}

const json::value* find_in_place(const detail::expression_program& program, const bindings& b)
{
    const auto& node = program.nodes[program.root];
    const auto* path = std::get_if<path_node>(&node.what);
    if (path == nullptr || path->root.empty() || !b.is_bound(path->root)) {
        return nullptr;
    }
    return evaluator(program, b).follow_name(*path, node);
}

} // namespace potoo::graph
