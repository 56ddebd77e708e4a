#pragma once
/// @file
/// What an `http_job` task says of its service: the expressions of its `with`, and what they yield for one job.

#include "http_job_scan.hpp"

#include <potoo/backend.hpp>
#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

/// One expression of `with` that is evaluated often.
class field
{
  public:
    field() = default;

    /// @param name as it stands in `with`, for messages
    field(std::string name, value_template text);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] bool mentions(std::string_view root) const;

    /// The name stands in it as such (`${{ id }}`) or not at all: no expression makes something else of it.
    [[nodiscard]] bool takes_as_it_is(std::string_view name) const;

    /// The members that it leads to from `root`, if that is all that it is.
    [[nodiscard]] std::optional<member_path> path_from(std::string_view root) const;

    /// @throws fatal naming the field when it cannot be evaluated
    [[nodiscard]] json::value evaluate(const bindings& b) const;

    /// The value in place if the field is a path, else in `room`.
    [[nodiscard]] const json::value& view(const bindings& b, json::value& room) const;

    /// As written.
    [[nodiscard]] std::string source() const;

  private:
    std::string name_;
    value_template template_;
    std::optional<expression> whole_; ///< the template is this one expression
};

/// How the service is asked about many jobs in one call.
struct batch_description
{
    field request; ///< without `limit`, `items` and `id`
    field items;
    field id;
    std::size_t limit = 100;
    std::optional<member_path> items_path; ///< within the body, if that is where `items` leads
    std::optional<member_path> id_path;    ///< within a job
};

struct description
{
    field submit;
    std::optional<field> submit_url; ///< unless one expression yields all of `submit`
    field id;
    std::optional<field> find; ///< without `id`
    std::optional<field> find_id;
    std::optional<field> status;
    std::optional<batch_description> batch;
    field state;
    std::optional<field> output;
    std::optional<field> error;
    std::optional<field> cancel;
    std::optional<field> logs;
    std::vector<std::string> success;
    std::vector<std::string> failure;
    std::vector<std::string> cancelled;
    bool idempotent = false;
    poll_pace pace;
    poll_pace pace_to_the_end;             ///< of a job that was told to stop: somebody waits for it
    std::optional<member_path> state_path; ///< within a job, if that is all that `state` is
    bool needs_response = false;           ///< some expression about a job mentions the whole response
    duration request_timeout{30'000};
    duration settle{5'000};                 ///< how long after a lost answer to `submit` the job may still appear
    duration cancel_grace{60'000};          ///< how long a cancellation may take
    std::optional<std::size_t> concurrency; ///< of `limits`
    std::optional<double> per_second;
    std::size_t max_body = std::size_t{16} << 20;

    /// One request, rendered. @param f its field @throws fatal
    [[nodiscard]] http_request request(const field& f, const bindings& b) const;

    /// A job in this state has ended.
    [[nodiscard]] bool is_end(std::string_view state) const noexcept;

    /// The job's state, if it is one that a job ends in. `b` has `job`, `id` and what else the fields mention.
    /// @throws fatal when `state` yields no string
    [[nodiscard]] std::optional<std::string> end_state(const bindings& b) const;

    /// How a job ended. @param job, and what `b` has: in ordinary memory, as parts become part of the result
    [[nodiscard]] job_result result(std::string_view end_state, const bindings& b, const json::value& job) const;
};

/// From what is the same for all attempts of a task. @throws fatal when something is missing or contradicts itself
[[nodiscard]] description read_description(context& ctx);

/// An id as text: a string as it is, a number as JSON writes it. Nothing for null. @throws fatal for anything else
[[nodiscard]] std::optional<std::string> id_text(const json::value& v, std::string_view field_name);

/// Scheme, user, host and port of a URL as they are written, or the path of a socket.
[[nodiscard]] std::string_view origin_of(std::string_view url);

/// The same for comparing and showing: in lower case, without user and password, and without the scheme's own port.
[[nodiscard]] std::string server_of(std::string_view url);

} // namespace potoo::http_job
