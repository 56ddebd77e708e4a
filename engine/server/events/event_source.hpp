#pragma once
/// @file
/// Reads events from the journal.

#include "engine/journal/store.hpp"
#include "engine/server/events/event.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace potoo::server {

class event_source
{
  public:
    /// `reader` must outlive it.
    explicit event_source(journal::reader& reader) : reader_(reader) {}

    struct slice
    {
        std::vector<event> events;
        journal::record_seq last; ///< everything up to this was looked at
        bool more = false;        ///< there are later records, not after `until`
    };

    /// The events later than `after` and not after `until`, out of at most so many records, or less where they are of
    /// many runs.
    /// @throws journal::store_error
    [[nodiscard]] slice read(journal::record_seq after, journal::record_seq until, std::size_t records);

  private:
    [[nodiscard]] std::shared_ptr<const event_run> run_of(journal::run_number number);
    [[nodiscard]] std::shared_ptr<const event_run> read_run(journal::run_number number);

    journal::reader& reader_;
    std::unordered_map<journal::run_number, std::shared_ptr<const event_run>> runs_; ///< null: it was removed
};

} // namespace potoo::server
