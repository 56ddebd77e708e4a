#pragma once
/// @file
/// Where the branches of one attempt stand among the calls that are recorded, who decided its groups, and what an
/// earlier life of it left behind. Only attempts that need it have one: that record calls, run tasks side by side, or
/// are replayed.

#include "engine/journal/record.hpp"
#include "engine/runtime/attempt_replay.hpp"

#include <potoo/branch.hpp>
#include <potoo/detail/frame_slab.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::runtime {

class live_attempt;

class attempt_calls final : public decision_memory, public detail::slab_allocated
{
  public:
    /// The attempt outlives it.
    explicit attempt_calls(live_attempt& of) noexcept : attempt_(of) {}

    /// What the journal holds of the attempt; null while there is no record to look for.
    [[nodiscard]] attempt_replay* records() noexcept { return replay_ ? &replay_->records : nullptr; }

    /// Begins with what the journal holds of it, in order.
    void replay(std::vector<journal::record> recorded);

    /// As `records`, empty if there was nothing to look for.
    [[nodiscard]] attempt_replay& records_to_keep();

    /// A replay has come by all that is recorded; true when there is none.
    [[nodiscard]] bool arrived() const { return !replay_ || replay_->records.arrived(); }

    /// 1 once a stop that was held back is not any more.
    [[nodiscard]] counter& let_go();

    void stop_is_delivered() noexcept
    {
        if (replay_)
            replay_->let_go.advance_to(1);
    }

    /// Path of a branch below the attempt: `1.0` is the first below the second. What follows a call of the branch
    /// above is told apart by how many there were: `1@3`.
    [[nodiscard]] std::string path_of(const branch& b) const;

    /// A record of the next call of a branch, which is numbered by this.
    [[nodiscard]] journal::record next_call(const branch& here, call_kind kind, std::string name);

    /// What was recorded of it; null when it is new. @throws fatal when that was another call
    [[nodiscard]] const journal::record* recall_call(const journal::record& call);

    /// @throws cancelled, fatal when the branch begins nothing new
    void refuse_if_closed(std::string_view path) const;

    /// The branch has come by something that is recorded.
    void note_trace(const branch& here) { (void)leave_trace(path_of(here)); }

    /// How many numbers the branch has drawn before.
    [[nodiscard]] std::uint32_t next_draw(const std::string& path) { return leave_trace(path).draws++; }

    /// Writes down what groups came to in which nothing is recorded: something comes after them.
    void write_held();

    std::optional<std::uint32_t> recall(const branch& where, std::uint32_t tasks) override;
    void decide(const branch& where, std::uint32_t tasks, std::uint32_t decided_by) override;
    void settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by,
                bool stopped) override;

  private:
    /// Decisions of groups in which nothing is recorded that are kept until something is; such groups beyond that are
    /// neither numbered nor recorded. A loop may have any number of them.
    static constexpr std::size_t most_held = 16;

    /// Where a branch stands.
    struct branch_position
    {
        std::uint32_t calls = 0;         ///< that are recorded, and groups, so far
        std::uint32_t draws = 0;         ///< of `uuid` and `random`
        std::uint32_t unkept = 0;        ///< groups since the last of them that are not numbered
        std::uint32_t traces_before = 0; ///< the attempt's when the group began that the branch waits for
        bool decided = false;            ///< that group is, and its decision kept
    };

    struct held_decision
    {
        std::string path;
        std::uint32_t number;
        decision what;
    };

    /// A branch that begins nothing new, because its group is known to have ended.
    struct closed_branch
    {
        std::string path;
        std::string group; ///< path of the branch that waits for the group
        std::uint32_t number;
        bool lost; ///< it did not decide the group; otherwise it did nothing that is recorded
    };

    /// Of an attempt that has records.
    struct replay_state
    {
        explicit replay_state(std::vector<journal::record> recorded) : records(std::move(recorded)) {}

        attempt_replay records;
        std::vector<closed_branch> closed;
        counter let_go;
    };

    [[nodiscard]] replay_state& replay_to_keep();

    /// What is recorded in the place of the next call of a branch, when that is the decision of such a group.
    [[nodiscard]] std::optional<decision> recorded_decision(const std::string& path, std::uint32_t tasks) const;
    void close_branches(const std::string& path, std::uint32_t tasks, const std::optional<decision>& known);
    /// @throws fatal when the group came to another end now
    void pass_recorded_group(const std::string& path, const decision& known, std::optional<std::uint32_t> decided_by,
                             bool stopped);
    void keep_decision(const std::string& path, std::uint32_t tasks, std::optional<std::uint32_t> decided_by);

    /// The branch has come by something that is recorded, or drawn.
    branch_position& leave_trace(const std::string& path);
    [[nodiscard]] bool has_trace(const std::string& path, std::uint32_t tasks) const;
    [[nodiscard]] std::uint32_t calls_of(const std::string& path) const;
    [[nodiscard]] std::string path_below(std::string path, std::uint32_t position) const;

    live_attempt& attempt_;
    std::unique_ptr<replay_state> replay_; ///< null while there is no record to look for
    std::map<std::string, branch_position, std::less<>> positions_;
    std::vector<held_decision> held_;
    std::uint32_t traces_ = 0;
};

} // namespace potoo::runtime
