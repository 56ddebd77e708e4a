#pragma once
// A reader of the journal that tells how it was used.

#include "engine/journal/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace potoo::host::test {

/// Counts how often the records of a run are read.
struct counting_reader final : journal::reader
{
    explicit counting_reader(journal::reader& b) : behind(b) {}

    std::vector<journal::run_row> runs(const journal::run_filter& f) override { return behind.runs(f); }

    journal::dag_document dag_of(journal::run_number r) override { return behind.dag_of(r); }

    void records(journal::run_number r, journal::record_seq from, const record_visitor& visit) override
    {
        ++reads;
        behind.records(r, from, visit);
    }

    void records_since(journal::record_seq a, std::size_t n, const record_visitor& v) override
    {
        behind.records_since(a, n, v);
    }

    journal::record_seq last_seq() override { return behind.last_seq(); }

    journal::record_seq removed_up_to() override { return behind.removed_up_to(); }

    void logs(const journal::log_filter& f, const log_visitor& v) override { behind.logs(f, v); }

    std::vector<journal::task_row> tasks(journal::run_number r) override { return behind.tasks(r); }

    std::vector<journal::item_row> items(journal::run_number r, const journal::item_filter& f) override
    {
        return behind.items(r, f);
    }

    std::vector<journal::attempt_row> attempts(journal::run_number r, task_index t, item_index i) override
    {
        ++reads;
        return behind.attempts(r, t, i);
    }

    std::optional<std::string> entry(const std::string& k, const std::string& n) override { return behind.entry(k, n); }

    std::vector<journal::entry_row> entries(const std::string& k, const std::string& a, std::size_t n) override
    {
        return behind.entries(k, a, n);
    }

    std::vector<journal::unconfirmed_remote> unconfirmed(std::optional<journal::run_number> r) override
    {
        return behind.unconfirmed(r);
    }

    std::vector<journal::run_row> prunable(const journal::retention& k, wall_time now) override
    {
        return behind.prunable(k, now);
    }

    journal::reader& behind;
    int reads = 0;
};

} // namespace potoo::host::test
