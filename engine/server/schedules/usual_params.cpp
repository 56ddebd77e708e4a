#include "engine/server/schedules/usual_params.hpp"

#include "engine/graph/params.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace potoo::server {

namespace {

std::string text_of(const std::vector<graph::param_problem>& problems)
{
    if (problems.empty())
        return {};
    std::string text = "the DAG cannot begin without somebody who gives its parameters:";
    for (const auto& p : problems)
        text += " " + p.message + ";";
    text.pop_back();
    return text;
}

} // namespace

json::object usual_params(const graph::dag& d)
{
    auto checked = graph::check_params(d, {});
    if (!checked.problems.empty())
        throw std::runtime_error(text_of(checked.problems));
    return std::move(checked.values);
}

std::string unattended_problem(const graph::dag& d)
{
    return text_of(graph::check_params(d, {}).problems);
}

} // namespace potoo::server
