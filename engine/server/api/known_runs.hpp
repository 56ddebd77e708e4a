#pragma once
/// @file
/// What the records of a run say, for whoever asks again before there are more of them: many look at one run, again and
/// again, and to read a large one takes milliseconds.

#include "engine/journal/store.hpp"

#include <potoo/json.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <map>
#include <memory>

namespace potoo::server {

struct known_run
{
    journal::record_seq up_to; ///< no record of the run up to this one is missing in what follows
    bool cancelling = false;
    json::object tasks; ///< how many are in each state
};

/// On the loop.
class known_runs
{
  public:
    struct place
    {
        semaphore turn{1}; ///< whoever comes meanwhile finds what the first one learns
        std::shared_ptr<const known_run> last{};
    };

    [[nodiscard]] std::shared_ptr<place> of(journal::run_number run)
    {
        // Which of them will be asked for again nobody knows; to read them once more is all it costs.
        if (places_.size() >= most)
            places_.clear();
        std::shared_ptr<place>& p = places_[run];
        if (!p)
            p = std::make_shared<place>();
        return p;
    }

  private:
    static constexpr std::size_t most = 1'000;

    std::map<journal::run_number, std::shared_ptr<place>> places_;
};

} // namespace potoo::server
