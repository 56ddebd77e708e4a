#include "engine/journal/reach_mark.hpp"
#include "engine/journal/sqlite_append.hpp"
#include "engine/journal/sqlite_schema.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/sqlite_view.hpp"
#include "engine/journal/state_files.hpp"

#include <fmt/format.h>

namespace potoo::journal {

namespace {

class sqlite_reader final : public reader
{
  public:
    sqlite_reader(const state_layout& layout, sqlite_access access) : connection_(layout.database(), access)
    {
        check_for_reading(connection_);
    }

    record_seq last_seq() override { return last_record_of(connection_); }

    std::vector<run_row> runs(const run_filter& filter) override { return view_.runs(filter); }

    dag_document dag_of(run_number run) override { return view_.dag_of(run); }

    void records(run_number run, record_seq from, const record_visitor& visit) override
    {
        view_.records(run, from, visit);
    }

    void records_since(record_seq after, std::size_t limit, const record_visitor& visit) override
    {
        view_.records_since(after, limit, visit);
    }

    record_seq removed_up_to() override { return view_.removed_up_to(); }

    void logs(const log_filter& filter, const log_visitor& visit) override { view_.logs(filter, visit); }

    std::vector<task_row> tasks(run_number run) override { return view_.tasks(run); }

    std::vector<item_row> items(run_number run, const item_filter& filter) override { return view_.items(run, filter); }

    std::vector<attempt_row> attempts(run_number run, task_index task, item_index item) override
    {
        return view_.attempts(run, task, item);
    }

    std::optional<std::string> entry(const std::string& kind, const std::string& key) override
    {
        return view_.entry(kind, key);
    }

    std::vector<entry_row> entries(const std::string& kind, const std::string& after, std::size_t limit) override
    {
        return view_.entries(kind, after, limit);
    }

    std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run) override
    {
        return view_.unconfirmed(run);
    }

    std::vector<run_row> prunable(const retention& keep, wall_time now) override { return view_.prunable(keep, now); }

  private:
    sqlite_connection connection_;
    sqlite_view view_{connection_};
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
