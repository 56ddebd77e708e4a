#pragma once
/// @file
/// Reads Slurm's list of jobs while it arrives: of every job the few members that are needed, and of the list never
/// more than one job, however long it is.

#include "job_key.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace potoo::slurm {

/// One record of the list, as all versions of the API from v0.0.38 on tell it.
struct listed_job
{
    std::uint64_t id = 0;
    std::uint64_t array_id = 0;         ///< 0: no part of an array
    std::uint32_t element = no_element; ///< of an array, if the record is of one element alone
    std::string elements;               ///< of an array: those that the record stands for together, as in `3,9-12`
    std::string state;                  ///< `COMPLETED`; several words, `CANCELLED COMPLETING`, from v0.0.40 on
    std::uint32_t exit_status = 0;      ///< as `wait` gives it: the exit code times 256, plus the signal
    std::string reason;                 ///< of the state; `None` when there is none
    std::string description;            ///< of the state
    std::string comment;
    std::string name;
    std::string user;
    std::string standard_output; ///< the pattern of its path
    std::string standard_error;  ///< likewise; empty: goes to the standard output
    std::string directory;
    std::string nodes;
    std::string batch_host;
    std::uint32_t restarts = 0;
    std::int64_t stamp = 0; ///< latest time, in seconds since 1970, at which something surely has happened to it
};

class listing_scanner
{
  public:
    /// @param sink may not throw
    explicit listing_scanner(std::function<void(const listed_job&)> sink);
    ~listing_scanner();

    listing_scanner(const listing_scanner&) = delete;
    listing_scanner& operator=(const listing_scanner&) = delete;

    /// Pieces of any size. @return false when this is no list of jobs; then nothing more is taken
    [[nodiscard]] bool add(std::string_view piece);

    /// @return false when the list has not come to its end
    [[nodiscard]] bool finish();

    /// The controller's time when it made the list, if it says that (v0.0.40); else 0.
    [[nodiscard]] std::int64_t made_at() const noexcept;

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::slurm
