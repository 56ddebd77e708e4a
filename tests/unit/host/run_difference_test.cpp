#include "engine/host/run_difference.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "tests/unit/host/counting_reader.hpp"
#include "tests/unit/host/engine_at.hpp"

#include <potoo/context.hpp>
#include <potoo/error.hpp>

using namespace potoo;
using namespace potoo::host;
using potoo::host::test::counting_reader;
using potoo::host::test::engine_at;
using potoo::host::test::scratch_state;

namespace {

task<json::value> nothing(context&)
{
    co_return json::value(1);
}

POTOO_OPERATOR("difference_nothing", nothing, {.summary = "Yields 1."})

/// Two runs of a DAG with three tasks: one that stays as it is, one item by item, one with the parameter.
struct two_runs : scratch_state
{
    two_runs()
    {
        engine_at e(*this);
        for (const char* word : {"one", "two"}) {
            const auto loaded = graph::load_dag(R"(
name: compared
params: {word: {type: string}, list: {type: array}}
tasks:
  same: {operator: difference_nothing, with: {a: 1}}
  said: {operator: difference_nothing, depends_on: same, with: {a: "${{ params.word }}"}}
  each: {operator: difference_nothing, foreach: "${{ params.list }}", with: {a: "${{ item }}"}}
)",
                                                "a.yaml", operators());
            BOOST_TEST_REQUIRE((loaded.value != nullptr), graph::format_diagnostics(loaded));
            json::array list;
            for (int i = 0; i < 80; ++i)
                list.push_back(i == 2 || i >= 70 ? json::value(word) : json::value(i));
            run_request wish{loaded.value};
            wish.params = {{"word", word}, {"list", std::move(list)}};
            e.end_of(e.begin(std::move(wish)));
        }
    }

    json::object compare(const std::atomic<bool>* stop = nullptr)
    {
        const auto journal = journal::open_sqlite_reader(layout());
        counting_reader counted(*journal);
        const auto runs = counted.runs({});
        auto d = run_difference(counted, runs.at(1), runs.at(0), stop);
        reads = counted.reads;
        return d;
    }

    int reads = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(differences_of_runs, two_runs)

BOOST_AUTO_TEST_CASE(each_run_is_read_once)
{
    static_cast<void>(compare());
    BOOST_TEST(reads == 2);
}

BOOST_AUTO_TEST_CASE(inputs_that_differ_are_shown)
{
    const json::object d = compare();
    const json::object& tasks = d.at("tasks").as_object();
    const json::object* same = tasks.contains("same") ? tasks.at("same").if_object() : nullptr;
    BOOST_TEST((!same || !same->contains("input")));
    const json::object& said = tasks.at("said").at("input").as_object();
    BOOST_TEST(said.at("before").at("with").at("a").as_string() == "one");
    BOOST_TEST(said.at("after").at("with").at("a").as_string() == "two");
    BOOST_TEST(!said.contains("more"));
}

BOOST_AUTO_TEST_CASE(items_that_differ_are_shown_as_far_as_a_limit)
{
    const json::object d = compare();
    const json::object& each = d.at("tasks").at("each").at("input").as_object();
    BOOST_TEST(each.at("before").as_object().size() == 1u);
    BOOST_TEST(each.at("before").at("2").at("with").at("a").as_string() == "one");
    BOOST_TEST(each.at("after").at("2").at("with").at("a").as_string() == "two");
    BOOST_TEST(each.at("more").to_number<int>() == 10);
}

BOOST_AUTO_TEST_CASE(comparison_ends_when_it_is_told_to)
{
    const std::atomic<bool> stop = true;
    BOOST_CHECK_THROW(compare(&stop), cancelled);
}

BOOST_AUTO_TEST_SUITE_END()
