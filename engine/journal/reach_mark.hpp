#pragma once
/// @file
/// A note beside the journal of how far it got. It is no part of the database, so that it tells when a part of that was
/// lost: a write-ahead log that was deleted, an older copy that was put in place.

#include "engine/journal/record.hpp"
#include "engine/journal/state_dir.hpp"

#include <filesystem>

namespace potoo::journal {

/// The file `potoo.mark`. It is written after each commit and never synced: after a power failure it may be behind the
/// journal, but never ahead of it.
class reach_mark
{
  public:
    /// Nothing is touched before `set`.
    explicit reach_mark(std::filesystem::path file) : file_(std::move(file)) {}

    reach_mark(const reach_mark&) = delete;
    reach_mark& operator=(const reach_mark&) = delete;
    ~reach_mark();

    /// @return 0 when there is none that can be read
    [[nodiscard]] static record_seq read(const std::filesystem::path& file);

    /// A note that cannot be written is left as it was: then it proves less, and nothing wrong.
    void set(record_seq reached) noexcept;

  private:
    std::filesystem::path file_;
    int descriptor_ = -1;
};

/// Is all there that was once durable?
/// @param reached what the mark said before the journal was opened
/// @param last the journal's last record
/// @throws store_error `corrupt`
void refuse_if_lost(const state_layout& layout, record_seq reached, record_seq last);

} // namespace potoo::journal
