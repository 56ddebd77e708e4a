#pragma once
/// @file
/// A small journal as this potoo writes it: a run that goes on, with a record of each kind, and one that has ended.

#include "engine/journal/sqlite_connection.hpp"
#include "engine/journal/sqlite_store.hpp"

#include "tests/unit/journal/samples.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace potoo::fuzz {

using namespace potoo::journal;

/// One record of each kind, as a run might leave them.
inline std::vector<record> one_of_each_kind()
{
    std::vector<record> records;
    for (const auto& kind : record_kinds) {
        if (kind.kind == record_kind::run_created || kind.kind == record_kind::run_ended)
            continue;
        record r = samples::of_item(kind.kind, 0, 0, 1, 10);
        r.name = "potoo-kq3v9z01abcd-list";
        r.data = R"({"message":"it broke","code":"exit_3"})";
        r.number = 3;
        r.state = recorded_state::failed;
        records.push_back(std::move(r));
    }
    return records;
}

inline batch running_and_ended()
{
    auto b = samples::run_with(one_of_each_kind());
    b.records.push_back(samples::ended(1, 0, 1, recorded_state::success, 20, R"({"rows":7})"));
    b.logs.push_back({run_number(1), task_index(0), item_index(0), attempt_number(1), log_stream::err,
                      samples::instant(15), "no such file\n"});
    b.runs.push_back(samples::sample_run(run_number(2), "kq3v9z02abcd"));
    b.runs.back().origin = R"({"by":"api","key":"a"})";
    b.changes = {{entry_verb::insert, "token", "a", R"({"role":"user"})"}};
    for (std::uint32_t task = 0; task < 3; ++task) {
        auto end = samples::ended(task, 0, 1, recorded_state::success, 30, "1");
        end.run = run_number(2);
        b.records.push_back(std::move(end));
    }
    b.records.push_back(samples::of_run(record_kind::run_ended, run_number(2), 40, recorded_state::success));
    return b;
}

/// With pages of 512 bytes, and all of it in the one file.
inline void make_small(const state_layout& layout)
{
    sqlite_connection connection(layout.database(), sqlite_access::read_write);
    connection.execute("PRAGMA journal_mode = DELETE");
    connection.execute("PRAGMA page_size = 512");
    connection.execute("VACUUM");
    connection.execute("PRAGMA journal_mode = WAL");
}

/// Writes the file of a journal in which `b` has been recorded.
inline void write_journal(const std::filesystem::path& to, const batch& b)
{
    const samples::scratch_dir scratch;
    {
        const auto s = open_sqlite_store(scratch.layout());
        if (!b.empty())
            s->append(b);
        while (s->maintain()) {}
    }
    make_small(scratch.layout());
    std::filesystem::copy_file(scratch.layout().database(), to, std::filesystem::copy_options::overwrite_existing);
    using std::filesystem::perms;
    std::filesystem::permissions(to, perms::owner_read | perms::owner_write | perms::group_read | perms::others_read);
}

} // namespace potoo::fuzz
