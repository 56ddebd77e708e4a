#pragma once
/// @file
/// Doing to a state directory what no potoo does, and asking how it is refused.

#include "engine/journal/state_dir.hpp"
#include "engine/journal/store_error.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include <string>
#include <string_view>

namespace potoo::journal::samples {

/// Does to a file what only another program would do; makes it when it is not there.
inline void tamper(const state_layout& layout, const std::string& sql)
{
    sqlite3* db = nullptr;
    BOOST_REQUIRE(sqlite3_open(layout.database().c_str(), &db) == SQLITE_OK);
    char* error = nullptr;
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
    BOOST_REQUIRE_MESSAGE(code == SQLITE_OK, (error == nullptr ? "" : error));
    sqlite3_close(db);
}

/// The number that a query gives.
inline std::int64_t ask(const state_layout& layout, const std::string& sql)
{
    sqlite3* db = nullptr;
    BOOST_REQUIRE(sqlite3_open(layout.database().c_str(), &db) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    BOOST_REQUIRE(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    BOOST_REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const auto value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/// For BOOST_CHECK_EXCEPTION: an error of this kind, with these words in it.
inline auto says(store_error_kind kind, std::string words)
{
    return [kind, words = std::move(words)](const store_error& e) {
        BOOST_TEST_MESSAGE(e.what());
        return e.kind() == kind && std::string_view(e.what()).find(words) != std::string_view::npos;
    };
}

} // namespace potoo::journal::samples
