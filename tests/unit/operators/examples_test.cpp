// What the operators say of themselves must be true: their examples load, and so does every form of http_job.

#include "engine/graph/load.hpp"

#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;

namespace {

std::string indented(std::string_view text)
{
    std::string out = "  ";
    for (const char c : text) {
        out += c;
        if (c == '\n')
            out += "  ";
    }
    return out;
}

/// What examples refer to.
const std::string surroundings = R"(secrets: {hook_token: {env: HOOK_TOKEN}}
params: {sample: {type: string}}
tasks:
  list: {operator: noop}
  extract: {operator: noop}
  transform: {operator: noop}
)";

std::string problems_of(const std::string& source)
{
    return graph::format_diagnostics(graph::load_dag(source, "test.yaml", operators()));
}

/// Every property, at any depth, tells what it is.
void check_descriptions(const json::value& schema, const std::string& place)
{
    const auto* o = schema.if_object();
    const json::value* properties = o ? o->if_contains("properties") : nullptr;
    if (!properties)
        return;
    BOOST_TEST(o->contains("additionalProperties"), place << " allows unknown keys");
    for (const auto& [name, property] : properties->as_object()) {
        const std::string at = place + "." + std::string(name);
        BOOST_TEST(property.as_object().contains("description"), at << " has no description");
        check_descriptions(property, at);
    }
}

constexpr const char* whole_http_job = R"(
params:
  service: {type: string}
tasks:
  job:
    operator: http_job
    with:
      submit: {method: POST, url: "${{ params.service }}/jobs", headers: {Idempotency-Key: "${{ launch_token }}"}, body: {command: [sleep, "5"]}}
      id: ${{ response.body.id }}
      find:   {method: GET, url: "${{ params.service }}/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
      status: {method: GET, url: "${{ params.service }}/jobs/${{ id }}"}
      batch:
        {method: POST, url: "${{ params.service }}/jobs/query", body: {ids: "${{ ids }}"}, limit: 100, items: "${{ response.body.jobs }}", id: "${{ job.id }}"}
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED, LOST]
      cancelled: [CANCELLED]
      idempotent: false
      output: ${{ job.result }}
      error: ${{ job.error }}
      cancel: {method: DELETE, url: "${{ params.service }}/jobs/${{ id }}"}
      logs:   {method: GET, url: "${{ params.service }}/jobs/${{ id }}/log"}
      poll: {interval: 2s, max_interval: 30s, backoff: 1.5}
)";

} // namespace

BOOST_AUTO_TEST_SUITE(operator_examples)

BOOST_AUTO_TEST_CASE(every_property_of_every_operator_is_described)
{
    BOOST_TEST(operators().problems().empty());
    for (const auto* entry : operators().all())
        check_descriptions(entry->schema, entry->name);
}

BOOST_AUTO_TEST_CASE(every_example_is_a_task_that_loads)
{
    for (const auto* entry : operators().all()) {
        BOOST_TEST_CONTEXT(entry->name)
        {
            BOOST_TEST(problems_of(surroundings + indented(entry->example)) == "");
        }
    }
}

BOOST_AUTO_TEST_CASE(http_job_takes_the_whole_description_of_a_service)
{
    BOOST_TEST(problems_of(whole_http_job) == "");
}

BOOST_AUTO_TEST_CASE(http_job_without_a_way_to_ask_is_refused_when_the_file_is_read)
{
    std::string text = whole_http_job;
    text.erase(text.find("      status:"), text.find("      state:") - text.find("      status:"));
    const std::string problems = problems_of(text);
    BOOST_TEST(problems.find("status") != std::string::npos, problems);
}

BOOST_AUTO_TEST_CASE(http_job_with_a_misspelt_key_is_told_the_right_one)
{
    std::string text = whole_http_job;
    text.replace(text.find("idempotent"), 10, "idempotant");
    const std::string problems = problems_of(text);
    BOOST_TEST(problems.find("idempotent") != std::string::npos, problems);
}

BOOST_AUTO_TEST_SUITE_END()
