#pragma once
/// @file
/// One watch for all Jobs of a namespace that attempts wait for, and a slow look beside it.

#include "api_server.hpp"
#include "job_watch.hpp"
#include "watch_lines.hpp"

#include <potoo/execution.hpp>
#include <potoo/watcher.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace potoo::kubernetes {

/// While attempts wait, one request streams what happens to the Jobs: it is resumed where it broke off, and begun anew
/// with a listing when the API has forgotten that place. Each Job is looked at now and then beside it: for what the
/// stream has not told, for pods that do not start, and, once it was told to stop, until nothing of it runs. Where the
/// stream is refused the looks come at the pace of the task's `poll`.
class job_watcher final : public watcher, private timer_node
{
  public:
    /// @param s outlives it
    job_watcher(api_server& s, std::string name_space, limits lim);
    ~job_watcher() override;

    /// Begins to tell it what happens to the Job of its name.
    [[nodiscard]] job_index::iterator enter(job_watch& w);
    void leave(job_index::iterator where);

    /// The stream is there, or will be soon.
    [[nodiscard]] bool streams() const noexcept { return refusal_.empty(); }

    /// Why there is none; empty when there is.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

  private:
    class stream_execution;

    task<> look(page p) override;
    task<> look_at_jobs(page p);
    task<> look_for_absent(page p, const std::vector<bool>& shown);
    task<> look_for_stopped_pods(page p);
    task<> look_for_stuck_pods(page p);
    void settle_early(page p);

    /// @throws failure whatever went wrong: it concerns the asking, not the Jobs
    task<json::value> ask(std::string path);

    void on_due() override;
    void start_stream();
    task<> stream();
    task<> list();
    task<> check_absent(const std::unordered_set<std::string>& seen);
    task<> follow();

    [[nodiscard]] bool take_line(std::string_view line);
    bool take_event(const json::value& event);
    void take_job(const json::value& job);
    void take_deleted(const json::value& job);
    [[nodiscard]] std::vector<job_watch*> watches_of(std::string_view name, std::string_view uid);
    void tell_all(const std::string& trouble);

    [[nodiscard]] std::string jobs_path() const;
    [[nodiscard]] std::string pods_path() const;

    api_server& server_;
    potoo::loop& loop_;
    std::string name_space_;
    job_index known_;
    std::unique_ptr<stream_execution> stream_;
    line_splitter lines_;
    std::string version_;   ///< where the stream goes on; empty = a listing comes first
    std::string complaint_; ///< of the event that ended the stream
    std::string refusal_;   ///< why the stream may not be opened
    bool heard_ = false;    ///< something came since the stream was opened
};

} // namespace potoo::kubernetes
