#pragma once
/// @file
/// What every backend must do the same way. Each cell is one claim, tried on a fresh engine and a fresh remote system.

#include "tests/integration/conformance/remote_system.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::conformance {

struct trial
{
    remote_system& remote;
    trial_engine engine;

    /// Starts a run of one task, `job`. @param fields further lines of the task
    void start(job_kind kind, std::string_view fields = {});

    /// The one job that the remote system has accepted. Throws when there is none or more than one.
    [[nodiscard]] remote_job the_job();

    /// Drives the engine until the remote system has a job in that phase.
    void run_until(remote_job::phase p);
};

/// Thrown by a cell that makes no sense for a backend, with the reason.
class not_applicable : public std::runtime_error
{
    using runtime_error::runtime_error;
};

/// Thrown by a cell whose claim does not hold.
class broken_claim : public std::runtime_error
{
    using runtime_error::runtime_error;
};

/// @throws broken_claim
void require(bool holds, const std::string& what);

struct cell
{
    const char* name; ///< the claim
    void (*attempt)(trial&);
};

/// All cells, in order.
[[nodiscard]] std::span<const cell> cells() noexcept;

} // namespace potoo::conformance
