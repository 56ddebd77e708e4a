#include "engine/journal/reach_mark.hpp"
#include "engine/journal/sqlite_port.hpp"
#include "engine/journal/sqlite_schema.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_files.hpp"

#include <fmt/format.h>

namespace potoo::journal {

namespace {

class sqlite_reader final : public sqlite_port<reader>
{
  public:
    sqlite_reader(const state_layout& layout, sqlite_access access)
        : sqlite_port(std::make_unique<sqlite_connection>(layout.database(), access))
    {
        check_for_reading(connection());
    }
};

void check_exists(const state_layout& layout)
{
    if (!check_state_files(layout))
        throw store_error(store_error_kind::not_found,
                          fmt::format("there is no journal '{}': no run was recorded there; check --state",
                                      layout.database().string()));
}

/// An engine of today may have to go on with it anyway, so why ask the user to start one first?
void bring_up_to_date(const state_layout& layout, const store_error& why)
{
    try {
        const auto lock = state_lock::acquire(layout);
        (void)open_sqlite_store(layout);
    } catch (const store_error& e) {
        throw store_error(store_error_kind::older_version,
                          fmt::format("{}, and cannot bring it up to date: {}", why.what(), e.what()));
    }
}

std::unique_ptr<reader> open_current(const state_layout& layout)
{
    const auto file = layout.database();
    // Before the journal: an engine that is at work moves it.
    const record_seq reached = reach_mark::read(layout.mark());
    const auto open = [&](sqlite_access access) {
        auto opened = std::make_unique<sqlite_reader>(layout, access);
        refuse_if_lost(layout, reached, opened->last_seq());
        return opened;
    };
    try {
        return open(sqlite_access::read_only);
    } catch (const store_error& e) {
        // Reading a file in WAL mode makes files beside it, which a read-only medium does not let.
        using enum store_error_kind;
        const bool cannot_make_them = e.kind() == read_only || e.kind() == io || e.kind() == not_found;
        if (!cannot_make_them || has_write_ahead_log(file))
            throw;
    }
    return open(sqlite_access::immutable);
}

} // namespace

std::unique_ptr<reader> open_sqlite_reader(const state_layout& layout)
{
    check_exists(layout);
    try {
        return open_current(layout);
    } catch (const store_error& e) {
        if (e.kind() != store_error_kind::older_version)
            throw;
        bring_up_to_date(layout, e);
    }
    return open_current(layout);
}

} // namespace potoo::journal
