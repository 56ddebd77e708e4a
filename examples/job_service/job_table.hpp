#pragma once

#include "asio_types.hpp"
#include "job_output.hpp"
#include "process_runner.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace job_service {

enum class job_state : std::uint8_t
{
    queued,
    running,
    succeeded,
    failed,
    cancelled
};
inline constexpr std::array<std::string_view, 5> job_state_names{"QUEUED", "RUNNING", "SUCCEEDED", "FAILED",
                                                                 "CANCELLED"};

std::string_view name_of(job_state state);
std::optional<job_state> job_state_named(std::string_view name);
bool is_terminal(job_state state);

/// A command that is done by a timer instead of a process.
struct builtin
{
    std::chrono::nanoseconds duration{0};
    int exit_code = 0;
    std::string result;
};

/// What a client asked for, checked.
struct job_request
{
    std::string token; // empty: none
    process_spec process;
    std::optional<builtin> instead_of_process;
};

struct job
{
    std::uint64_t number = 0;
    std::string id;
    job_request request;

    job_state state = job_state::queued;
    job_state previous_state = job_state::queued;
    bool cancel_requested = false;
    bool forgotten = false;
    std::optional<int> exit_code;
    std::string result = "null"; // JSON text
    std::string error = "null";  // JSON text
    std::chrono::system_clock::time_point submitted_at, started_at, ended_at;

    std::unique_ptr<job_output> output;
    std::shared_ptr<job_service::process> process;
    std::unique_ptr<timer> pending; // end of a built-in command, or of the grace after TERM

    std::vector<timer*> watchers; // of requests that wait for a change
    std::string rendered;         // the status document, empty when it is out of date
};

using job_ptr = std::shared_ptr<job>;

/// The status document of a job, made once per change.
const std::string& status_of(job& subject);

/// The status document as it was before the last change of state.
std::string stale_status_of(const job& subject);

/// Wakes the requests that wait for this job.
void wake_watchers(job& subject);

/// All jobs the service knows, by id and by token, with how many it ever accepted.
class job_table
{
  public:
    struct filter
    {
        std::optional<job_state> state;
        std::optional<std::string> token;
        std::uint64_t after = 0;
        std::size_t limit = 100;
    };

    struct page
    {
        std::vector<job_ptr> jobs; // in order of acceptance
        bool more = false;
    };

    job_ptr accept(job_request request);
    void forget(const job_ptr& subject);
    void clear();
    void change_state(job& subject, job_state state);

    /// Null if there is no such job (any more).
    job_ptr find(std::string_view id) const;
    std::vector<job_ptr> with_token(std::string_view token) const;
    page list(const filter& wanted) const;
    std::vector<job_ptr> all() const;

    std::size_t count(job_state state) const { return counts_[static_cast<std::size_t>(state)]; }

    std::uint64_t accepted() const { return accepted_; }

    /// Accepted submissions per token since the start or the last clear(), forgotten ones included.
    const std::unordered_map<std::string, std::uint64_t>& accepted_per_token() const { return accepted_per_token_; }

    /// The number in "job-17"; none if it is not written the way ids are.
    static std::optional<std::uint64_t> number_of(std::string_view id);

  private:
    std::uint64_t first_number_ = 1; // of jobs_[0]; ids are never given twice
    std::vector<job_ptr> jobs_;      // null where a job was forgotten
    std::unordered_map<std::string, std::vector<job_ptr>> by_token_;
    std::unordered_map<std::string, std::uint64_t> accepted_per_token_;
    std::array<std::size_t, job_state_names.size()> counts_{};
    std::uint64_t accepted_ = 0;
};

} // namespace job_service
