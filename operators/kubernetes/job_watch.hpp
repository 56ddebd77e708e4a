#pragma once
/// @file
/// The wait for one Job.

#include "job_state.hpp"

#include <potoo/backend.hpp>
#include <potoo/watcher.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::kubernetes {

class job_watch;
class job_watcher;

/// By the Job's name.
using job_index = std::multimap<std::string, job_watch*, std::less<>>;

/// Every waiting attempt has one. It is known to its watcher from before the launch, so that no event is missed. The
/// context must outlive it.
class job_watch final : public watch
{
  public:
    /// @param usual the pace when Jobs have to be asked about; outlives it
    job_watch(context& ctx, job_watcher& w, const poll_pace& usual);
    ~job_watch() override;

    /// Events about the Job of this name are kept from now on.
    void expect(std::string_view name);

    /// Gets ready to wait for that job, which must outlive the wait. @throws fatal when the id is none of ours
    void prepare(const job_id& id);

    /// It was told to stop: it has ended when it is gone and nothing of it runs.
    void expect_end() { remarks().told_to_stop = true; }

    /// Only after the wait has ended by a judgement.
    [[nodiscard]] job_result take_result();

    [[nodiscard]] std::string_view name() const noexcept { return place_.name; }

    /// Empty while the Job is being launched.
    [[nodiscard]] std::string_view uid() const noexcept { return place_.uid; }

    [[nodiscard]] bool told_to_stop() const noexcept { return notes_ && notes_->told_to_stop; }

    [[nodiscard]] bool gone() const noexcept { return notes_ && notes_->gone; }

    [[nodiscard]] bool waits() const noexcept { return waiting(); }

    /// What was seen of the Job before the wait began, if it was its end.
    [[nodiscard]] const json::value* seen_early() const noexcept;

    void keep_for_later(const json::value& job);

    [[nodiscard]] const poll_pace& pace() const noexcept override;

    bool judge(const json::value& job) override;

    /// The Job is not there any more, or there is another of the same name.
    bool judge_missing() override;

    /// Of a Job that was told to stop and is gone: nothing of it runs any more.
    bool judge_stopped();

    void disturbed(std::string_view why) override;

    /// Says what people should know: why it does not start, why it is not watched. The same only once.
    void tell(const std::string& trouble);

  private:
    struct notes : detail::slab_allocated
    {
        bool told_to_stop = false;
        bool gone = false;
        std::string name;    ///< expected, while there is no id
        std::string trouble; ///< said last
        std::string told;    ///< by `tell`, last
        std::unique_ptr<json::value> early;
        std::optional<job_result> result;
    };

    notes& remarks();
    void leave();

    context& context_;
    job_watcher& watcher_;
    const poll_pace& usual_;
    job_place place_;
    std::optional<job_index::iterator> known_; ///< to the watcher: the id may be gone before it leaves
    bool launched_ = false;                    ///< in this life of the engine
    std::unique_ptr<notes> notes_;
};

} // namespace potoo::kubernetes
