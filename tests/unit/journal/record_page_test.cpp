/// The page that tells people what is recorded says what the code says.

#include "engine/journal/record.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

using namespace potoo::journal;

namespace {

constexpr std::string_view head = "| record | written when | waits for fsync | fields |";

std::vector<std::string> rows_in_code()
{
    std::vector<std::string> rows{std::string(head), "|---|---|---|---|"};
    for (const auto& k : record_kinds)
        rows.push_back(fmt::format("| `{}` ({}) | {} | {} | {} |", k.name, static_cast<int>(k.kind), k.when,
                                   k.awaited ? "yes" : "no", k.fields));
    return rows;
}

/// From the table's head to the first line that is no row.
std::vector<std::string> rows_on_page()
{
    std::ifstream page(POTOO_RECORD_PAGE);
    BOOST_REQUIRE_MESSAGE(page.good(), POTOO_RECORD_PAGE);
    std::vector<std::string> rows;
    for (std::string line; std::getline(page, line);) {
        if (rows.empty() ? line == head : line.starts_with('|'))
            rows.push_back(line);
        else if (!rows.empty())
            break;
    }
    return rows;
}

} // namespace

BOOST_AUTO_TEST_SUITE(record_page)

BOOST_AUTO_TEST_CASE(the_table_of_records_on_the_page_is_the_one_in_the_code)
{
    const auto code = rows_in_code();
    const auto page = rows_on_page();
    if (page == code)
        return;
    std::string text;
    for (const auto& row : code)
        text += row + '\n';
    BOOST_ERROR("the table in " POTOO_RECORD_PAGE " must be:\n" + text);
}

BOOST_AUTO_TEST_CASE(every_kind_says_when_it_is_written)
{
    for (const auto& k : record_kinds)
        BOOST_TEST((!k.when.empty() && !k.fields.empty()), k.name);
}

BOOST_AUTO_TEST_SUITE_END()
