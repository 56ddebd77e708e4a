#pragma once
/// @file
/// The wait for one container, and the watcher that asks an engine about all of them: one listing of those that run,
/// and a look at each that is not among them.

#include "docker_engine.hpp"

#include <potoo/backend.hpp>
#include <potoo/watcher.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::docker {

class container_watcher;

/// How a container ended, by what the engine says of it; nothing while it has not.
/// @param told_to_stop it was, so that one which never began will not
/// @param stopped it was running when it was told to stop
[[nodiscard]] std::optional<job_result> end_of_container(const json::value& inspected, bool told_to_stop, bool stopped);

/// The context and the engine must outlive it.
class container_watch final : public watch
{
  public:
    container_watch(context& ctx, container_watcher& w);

    /// Gets ready to wait for that container, which must outlive the wait.
    void prepare(const job_id& id);

    /// Only after the wait has ended by a judgement.
    [[nodiscard]] job_result take_result() { return std::move(*result_); }

    /// It is asked about more often from now on.
    void expect_end() noexcept { told_to_stop_ = true; }

    /// It ran until it was told to stop.
    void note_stopped() noexcept { stopped_ = true; }

    [[nodiscard]] bool told_to_stop() const noexcept { return told_to_stop_; }

    /// The container that has ended has a terminal.
    [[nodiscard]] bool has_terminal() const noexcept { return terminal_; }

    [[nodiscard]] context& attempt() const noexcept { return context_; }

    [[nodiscard]] std::string_view id() const noexcept { return id_->value(); }

    [[nodiscard]] const poll_pace& pace() const noexcept override;
    bool judge(const json::value& inspected) override;

    /// It runs, as the listing says.
    bool judge_goes_on() noexcept;

    /// The second time it is lost.
    bool judge_missing() override;

    void disturbed(std::string_view why) override;

  private:
    context& context_;
    const job_id* id_ = nullptr;
    bool told_to_stop_ = false;
    bool stopped_ = false;
    bool missed_ = false;
    bool terminal_ = false;
    std::string trouble_; ///< said last
    std::unique_ptr<job_result> result_;
};

class container_watcher final : public watcher
{
  public:
    container_watcher(potoo::loop& l, engine_client& e, limits lim);

    ~container_watcher() override { stop(); }

  protected:
    task<> look(page p) override;

  private:
    /// Places of a page that are to be looked at one by one.
    struct absent
    {
        std::vector<watch* const*> places;
        std::size_t next = 0;
    };

    [[nodiscard]] task<absent> look_together(page p);
    [[nodiscard]] task<> look_for(absent& a);
    [[nodiscard]] task<> look_singly(watch* const& place);
    void disturb(watch& w, std::string_view why);
    void heed(const engine_answer& a);

    potoo::loop& loop_;
    engine_client& engine_;
    std::size_t at_once_;
};

} // namespace potoo::docker
