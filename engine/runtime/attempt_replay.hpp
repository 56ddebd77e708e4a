#pragma once
/// @file
/// What the journal holds of an attempt, for its replay: calls of the operator by branch and number, facts by name.
/// Each is taken once the replay comes by, so that it is known whether it has arrived where the attempt was.

#include "engine/journal/record.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::runtime {

/// What was called, as `record::number` of a `step_recorded` says. The numbers are in files: they never change.
enum class call_kind : std::uint8_t
{
    step = 0,
    now = 1,
    sleep_until = 2,
    callback = 3, ///< has a kind of record of its own
    decision = 4, ///< who decided a group of tasks side by side, see `decision`
};

[[nodiscard]] call_kind call_kind_of(const journal::record& r) noexcept;

/// How an `any` or `all` came to its end.
struct decision
{
    std::optional<std::uint32_t> first; ///< position of the first to end, or to fail; none: all of an `all` ended well
    std::uint32_t of = 0;               ///< tasks in the group
    std::uint32_t after = 0;            ///< groups before it, since the last call of the branch, that are not recorded
    bool quiet = false;                 ///< none of the tasks had come by anything that is recorded, or drawn
};

[[nodiscard]] std::string decision_text(const decision& d);

/// Nothing when it is the record of something else.
[[nodiscard]] std::optional<decision> decision_of(const journal::record& r);

/// As in "the step `upload`".
[[nodiscard]] std::string describe_call(call_kind kind, std::string_view name);

/// Is `path` that of the branch, or of one below it?
[[nodiscard]] bool is_at_or_below(std::string_view path, std::string_view branch) noexcept;

/// `record::step` of a fact, which is found by its name.
inline constexpr std::uint32_t no_step = std::numeric_limits<std::uint32_t>::max();

class attempt_replay
{
  public:
    /// @param records of one attempt, in order; those that are neither calls, facts nor launches are not looked at
    explicit attempt_replay(std::vector<journal::record> records);

    /// The call recorded there; null when there is none. Taken from now on. O(log n)
    const journal::record* take_call(std::string_view branch, std::uint32_t step);

    /// As `take_call`, but it is not taken.
    [[nodiscard]] const journal::record* find_call(std::string_view branch, std::uint32_t step) const;

    /// Nobody will come by the calls of this branch, and of those below it, any more.
    void take_branch(std::string_view branch);

    /// A call of this branch, or of one below it, that was not taken yet; null when there is none.
    [[nodiscard]] const journal::record* left_at_or_below(std::string_view branch) const;

    /// What was recorded last under a name, by this life of the attempt too: a fact, or a launch by the name of its
    /// kind. Facts are taken by this, a launch is not. Null when there is none.
    const journal::record* take_fact(std::string_view name);

    /// A fact that this life of the attempt records; those of the same name count as taken.
    void remember(const journal::record& fact);

    /// Somebody sees to the recorded launch from now on.
    void claim_launch() noexcept { launch_claimed_ = true; }

    /// A launch is recorded that was not withdrawn, and nobody has claimed it.
    [[nodiscard]] bool has_unclaimed_launch() const;

    /// Everything recorded before was taken, and the launch claimed: from here on it is the first life. Quiet decisions
    /// do not count: how many rounds a loop of them has may differ.
    [[nodiscard]] bool arrived() const { return left_ == 0 && !has_unclaimed_launch(); }

    /// The first call of a branch that was not taken yet, but for quiet decisions; null when there is none. O(n)
    [[nodiscard]] const journal::record* next_call(std::string_view branch) const;

  private:
    struct entry
    {
        journal::record value;
        bool taken = false;
        bool quiet = false;
    };

    void take(entry& e) noexcept;

    std::map<std::string, std::map<std::uint32_t, entry>, std::less<>> calls_; ///< by branch, by number
    std::map<std::string, entry, std::less<>> facts_;
    std::size_t left_ = 0; ///< calls and facts not taken
    bool launch_claimed_ = false;
};

} // namespace potoo::runtime
