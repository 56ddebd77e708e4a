#include "engine/cli/display/table.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using potoo::cli::table;

BOOST_AUTO_TEST_SUITE(tables)

BOOST_AUTO_TEST_CASE(columns_are_aligned_and_lines_end_without_spaces)
{
    table t({{"NAME"}, {"N", table::align::right}, {"NOTE"}});
    t.add({"a", "1", ""});
    t.add({"日本語", "1000", "ok"});
    BOOST_TEST(t.text() == "NAME       N  NOTE\n"
                           "a          1\n"
                           "日本語  1000  ok\n");
}

BOOST_AUTO_TEST_CASE(lines_are_cut_to_the_window)
{
    table t({{"NAME"}, {"NOTE"}});
    t.add({"a", "a long note about it"});
    BOOST_TEST(t.text(12) == "NAME  NOTE\na     a lon…\n");
    BOOST_TEST(t.text(12, false) == "NAME  NOTE\na     a lon~\n");
}

BOOST_AUTO_TEST_CASE(cells_cannot_break_lines_or_move_the_cursor)
{
    table t({{"NOTE"}});
    t.add({"one\ntwo\x1b[A"});
    BOOST_TEST(t.text() == "NOTE\none?two?[A\n");
}

BOOST_AUTO_TEST_CASE(empty_table_is_its_headings)
{
    const table t({{"A"}, {"B"}});
    BOOST_TEST(t.empty());
    BOOST_TEST(t.text() == "A  B\n");
}

BOOST_AUTO_TEST_CASE(row_of_another_length_is_refused)
{
    table t({{"A"}, {"B"}});
    BOOST_CHECK_THROW(t.add({"x"}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
