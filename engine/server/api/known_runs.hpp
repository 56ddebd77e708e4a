#pragma once
/// @file
/// What the records of a run say, for whoever asks again before there are more of them: many look at one run, again and
/// again, and to read a large one takes milliseconds.

#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <utility>

namespace potoo::server {

struct known_run
{
    journal::record_seq up_to; ///< no record of the run up to this one is missing in what follows
    bool cancelling = false;
    json::object tasks; ///< how many are in each state
};

/// On the loop; what it gives out may be read on any thread.
class known_runs
{
  public:
    /// Null when nothing is known.
    [[nodiscard]] std::shared_ptr<const known_run> find(journal::run_number run) const
    {
        const auto found = known_.find(run);
        return found == known_.end() ? nullptr : found->second;
    }

    void keep(journal::run_number run, std::shared_ptr<const known_run> what)
    {
        // Which of them will be asked for again nobody knows; to read them once more is all it costs.
        if (known_.size() >= most)
            known_.clear();
        known_[run] = std::move(what);
    }

  private:
    static constexpr std::size_t most = 1'000;

    std::map<journal::run_number, std::shared_ptr<const known_run>> known_;
};

} // namespace potoo::server
