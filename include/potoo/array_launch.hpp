#pragma once
/// @file
/// Items of one fan-out launched together: one submission makes one array job, of which each attempt gets its part.

#include <potoo/context.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace potoo {

/// Shared by all attempts that launch on one remote system (`context::shared`). For `backend::submit` of tasks that ask
/// for array jobs; the `request_gate` is then to be passed for each array, in the submission, not for each attempt.
class array_launch
{
  public:
    struct rules
    {
        std::size_t most = 10'000;    ///< items of one array
        duration quiet{200};          ///< submits when nobody has joined for this long
        duration longest{5'000};      ///< or the first has waited for this long
        bool neighbours_only = false; ///< an array has items i, i+1, i+2, …, without a gap
    };

    /// Launches one array job of these items, ascending, which may be a single one. Runs as part of the attempt of one
    /// of them. The ids are in the order of the items. What it throws, all of them throw; but a `failure` that says
    /// that the service is too busy (`throttled`, `http_429`, `http_503`) has it called again, up to 20 times in some
    /// three minutes.
    using submission = std::function<task<std::vector<job_id>>(context& ctx, std::vector<item_index> items)>;

    explicit array_launch(rules r) : rules_(r) {}

    array_launch(const array_launch&) = delete;
    array_launch& operator=(const array_launch&) = delete;

    /// Waits, deferred, for others of the same task and attempt number, and yields the attempt's own job.
    /// @throws fatal `not_alike` when `with` or `env` differ from those of the others: an array has one command, and
    /// its parts are told apart by their index alone
    [[nodiscard]] task<job_id> launch(context& ctx, submission submit);

  private:
    struct gathering;

    task<> gather(context& ctx, const gathering& g) const;
    task<> lead(context& ctx, std::shared_ptr<gathering> g, std::string group, submission submit);

    rules rules_;
    std::map<std::string, std::shared_ptr<gathering>> open_; ///< by group token
};

} // namespace potoo
