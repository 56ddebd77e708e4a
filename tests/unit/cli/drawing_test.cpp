#include "golden.hpp"
#include "simulated_run.hpp"

#include "engine/cli/display/graph_drawing.hpp"

using namespace potoo;
using namespace potoo::cli;
using namespace potoo::cli::test;

namespace {

const char* const source = R"(name: nightly-align
pools: {cluster: 4}
tasks:
  list: {operator: noop}
  align: {operator: noop, depends_on: [list], foreach: "${{ tasks.list.output }}", pool: cluster}
  check: {operator: late, depends_on: [list], allow_failure: true}
  merge: {operator: noop, depends_on: [align, check], when: "${{ tasks.list.state == 'success' }}"}
  page: {operator: noop, depends_on: [merge], trigger_rule: one_failed}
)";

} // namespace

BOOST_AUTO_TEST_SUITE(drawings)

BOOST_AUTO_TEST_CASE(text_draws_layers)
{
    check_golden("graph.txt", draw_text(*dag_of(source), 0, true));
    check_golden("graph_ascii.txt", draw_text(*dag_of(source), 40, false));
}

BOOST_AUTO_TEST_CASE(dot_draws_every_task_and_edge)
{
    check_golden("graph.dot", draw_dot(*dag_of(source)));
}

BOOST_AUTO_TEST_CASE(mermaid_draws_every_task_and_edge)
{
    check_golden("graph.mmd", draw_mermaid(*dag_of(source)));
}

BOOST_AUTO_TEST_CASE(layer_is_one_below_the_lowest_upstream)
{
    const auto layers = tasks_by_layer(*dag_of("tasks:\n"
                                               "  c: {operator: noop, depends_on: [a, b]}\n"
                                               "  b: {operator: noop, depends_on: [a]}\n"
                                               "  a: {operator: noop}\n"
                                               "  d: {operator: noop, depends_on: [a]}\n"));
    BOOST_REQUIRE(layers.size() == 3u);
    BOOST_TEST((layers[0] == std::vector{task_index(2)}));
    BOOST_TEST((layers[1] == std::vector{task_index(1), task_index(3)}));
    BOOST_TEST((layers[2] == std::vector{task_index(0)}));
}

BOOST_AUTO_TEST_SUITE_END()
