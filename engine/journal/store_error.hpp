#pragma once
/// @file
/// What can be wrong with a store.

#include <cstdint>
#include <stdexcept>
#include <string>

namespace potoo::journal {

/// Why a store cannot be used.
enum class store_error_kind : std::uint8_t
{
    not_found,     ///< there is no state there
    locked,        ///< another engine holds it
    newer_version, ///< a newer potoo wrote it
    older_version, ///< an older potoo wrote it, and it cannot be brought up to date now
    foreign,       ///< a file of something else is in its place
    corrupt,       ///< damaged
    full,          ///< no space left; the same write succeeds when there is space again
    read_only,     ///< may not be written
    io,            ///< the system refused for another reason
};

/// Its text says what is wrong, where, and what to do.
class store_error : public std::runtime_error
{
  public:
    store_error(store_error_kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

    [[nodiscard]] store_error_kind kind() const noexcept { return kind_; }

    /// The same write may succeed later without anything but time or space.
    [[nodiscard]] bool passing() const noexcept
    {
        return kind_ == store_error_kind::full || kind_ == store_error_kind::locked;
    }

  private:
    store_error_kind kind_;
};

} // namespace potoo::journal
