#pragma once
/// @file
/// What time it surely is where Slurm's controller runs.

#include <potoo/time.hpp>

#include <cstdint>
#include <optional>

namespace potoo::slurm {

/// `/jobs?update_time=T` answers "nothing new" when nothing has changed since T on the controller's clock. A T that
/// lies ahead of that clock would hide changes, so it is worked out from times that the controller itself has told:
/// what it reports as past when an answer is there, was past then.
class controller_clock
{
  public:
    /// The controller has told of something that happened at `stamp` (seconds since 1970) in an answer that was here at
    /// `now`.
    void heard_of(std::int64_t stamp, steady_time now);

    /// It is at least that late there, in seconds since 1970. Nothing before it told of anything.
    [[nodiscard]] std::optional<std::int64_t> at_least(steady_time now) const;

  private:
    std::optional<std::int64_t> stamp_;
    steady_time heard_at_;
};

} // namespace potoo::slurm
