#include "engine/graph/expression_evaluate.hpp"
#include "engine/graph/expression_parser.hpp"
#include "engine/graph/expression_words.hpp"

#include <algorithm>

namespace potoo {

expression::expression(std::shared_ptr<const detail::expression_program> program) : program_(std::move(program)) {}

expression expression::compile(std::string_view source, const expression_names& names)
{
    return expression(std::make_shared<const detail::expression_program>(graph::parse_expression(source, names)));
}

json::value expression::evaluate(const bindings& b) const
{
    return graph::evaluate(*program_, b).release();
}

bool expression::evaluate_bool(const bindings& b) const
{
    const auto result = graph::evaluate(*program_, b);
    if (const auto* value = result.get().if_bool()) {
        return *value;
    }
    throw expression_error("this must be true or false, but is " + std::string(graph::with_article(result.get())),
                           program_->nodes[program_->root].begin);
}

const json::value* expression::find_in(const bindings& b) const
{
    return graph::find_in_place(*program_, b);
}

value_type expression::type() const noexcept
{
    return program_->nodes[program_->root].type;
}

const std::string& expression::source() const noexcept
{
    return program_->source;
}

std::vector<std::string> expression::members_of(std::string_view root) const
{
    std::vector<std::pair<std::size_t, std::string>> found;
    for (const auto& node : program_->nodes) {
        const auto* path = std::get_if<graph::path_node>(&node.what);
        if (path == nullptr || path->root != root || path->steps.empty()) {
            continue;
        }
        if (const auto* member = std::get_if<std::string>(&path->steps.front().what)) {
            found.emplace_back(node.begin, *member);
        }
    }
    std::ranges::sort(found);
    std::vector<std::string> members;
    for (auto& [offset, member] : found) {
        if (std::ranges::find(members, member) == members.end()) {
            members.push_back(std::move(member));
        }
    }
    return members;
}

bool expression::mentions(std::string_view root) const
{
    return std::ranges::any_of(program_->nodes, [&](const graph::expression_node& node) {
        const auto* path = std::get_if<graph::path_node>(&node.what);
        return path != nullptr && path->root == root;
    });
}

} // namespace potoo
