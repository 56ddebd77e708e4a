#include "golden.hpp"
#include "simulated_run.hpp"

#include "engine/cli/display/run_plan_text.hpp"

using namespace potoo;
using namespace potoo::cli;
using namespace potoo::cli::test;

namespace {

const char* const source = R"(name: plan
params: {who: {type: string}}
secrets: {token: {env: NOT_THERE}}
tasks:
  first: {operator: noop, with: {greeting: "hello ${{ params.who }}", auth: "Bearer ${{ secrets.token }}"}}
  many: {operator: noop, foreach: ["a", "b"], with: {who: "${{ item }}", deep: {a: "${{ params.who }}", b: "${{ item }}"}}}
  next:
    operator: late
    depends_on: [first]
    when: ${{ params.who != 'test' }}
    timeout: 5m
    with: {now: "${{ tasks.first.output }}", then: "${{ job.id }}"}
)";

} // namespace

BOOST_AUTO_TEST_SUITE(run_plans)

BOOST_AUTO_TEST_CASE(inputs_are_rendered_as_far_as_they_are_known)
{
    const auto dag = dag_of(source);
    const json::object plan = plan_of(*dag, {{"who", "blue"}}, known_operators());
    check_golden("run_plan.txt", plan_text(plan));
    check_golden("run_plan.json", json::serialize(plan) + "\n");
}

BOOST_AUTO_TEST_CASE(secrets_are_masked)
{
    const auto text = json::serialize(plan_of(*dag_of(source), {{"who", "blue"}}, known_operators()));
    BOOST_TEST(text.find("Bearer ***") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
