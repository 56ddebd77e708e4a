#pragma once
/// @file
/// What whoever reads `potoo.db` and whoever writes it have in common.

#include "engine/journal/sqlite_append.hpp"
#include "engine/journal/sqlite_connection.hpp"
#include "engine/journal/sqlite_view.hpp"
#include "engine/journal/store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::journal {

/// The part of a `reader` in `Port` (`reader` itself, or `store`), over a connection of its own.
template <class Port>
class sqlite_port : public Port
{
  public:
    std::vector<run_row> runs(const run_filter& filter) override { return view_.runs(filter); }

    dag_document dag_of(run_number run) override { return view_.dag_of(run); }

    void records(run_number run, record_seq from, const reader::record_visitor& visit) override
    {
        view_.records(run, from, visit);
    }

    void records_since(record_seq after, std::size_t limit, const reader::record_visitor& visit) override
    {
        view_.records_since(after, limit, visit);
    }

    record_seq last_seq() override { return last_record_of(*connection_); }

    record_seq removed_up_to() override { return view_.removed_up_to(); }

    void logs(const log_filter& filter, const reader::log_visitor& visit) override { view_.logs(filter, visit); }

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

  protected:
    explicit sqlite_port(std::unique_ptr<sqlite_connection> opened)
        : connection_(std::move(opened)), view_(*connection_)
    {}

    [[nodiscard]] sqlite_connection& connection() noexcept { return *connection_; }

    [[nodiscard]] sqlite_view& view() noexcept { return view_; }

  private:
    std::unique_ptr<sqlite_connection> connection_;
    sqlite_view view_;
};

} // namespace potoo::journal
