#pragma once
/// @file
/// What an application asks of the engine when it submits one task, and what is wrong with it.

#include <potoo/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Who shares a task's key, and who has a say in it.
enum class task_scope : std::uint8_t
{
    private_, ///< the key is its owner's
    shared,   ///< whoever asks with the same key gets the same task
    system,   ///< as shared; only admins begin and cancel it, everybody sees it, nobody subscribes
};

/// `private`, `shared`, `system`.
[[nodiscard]] std::string_view to_string(task_scope s) noexcept;
[[nodiscard]] std::optional<task_scope> parse_task_scope(std::string_view text) noexcept;

struct task_request
{
    std::string operator_name;
    json::value with; ///< of the operator; null = nothing
    std::string key;  ///< while one of that key is active, it is the one; empty = this is a new one
    std::string name; ///< for people
    task_scope scope = task_scope::private_;
    std::string timeout;      ///< of one attempt, as in a DAG file; empty = none
    json::object properties;  ///< public from the start; what the operator publishes is laid over it
    json::value retry;        ///< as in a DAG file; null = none
    bool expressions = false; ///< `${{ … }}` in `with` are expressions; otherwise they are text like any other
};

/// The members `operator`, `with`, `key`, `name`, `scope`, `timeout`, `properties`, `retry`, `expressions`.
/// @throws task_refused naming each member that is wrong
[[nodiscard]] task_request parse_task_request(const json::value& body);

/// One step of a JSON pointer.
[[nodiscard]] std::string escape_pointer(std::string_view step);

/// Something was not done, and will not be done by asking again unchanged.
class task_refused : public std::runtime_error
{
  public:
    enum class kind : std::uint8_t
    {
        invalid,   ///< the request makes no sense: `problems` say where
        forbidden, ///< not for this asker
        unknown,   ///< there is no such task, or none that this asker may know of
        conflict,  ///< not now: the text says until when
    };

    /// One thing that is wrong with a request.
    struct problem
    {
        std::string place;      ///< a JSON pointer (RFC 6901) into the request: `/with/url`; empty = the whole
        std::string text;       ///< what was found and what is wanted
        std::string suggestion; ///< the nearest right spelling, or empty
    };

    task_refused(kind what, const std::string& text, std::vector<problem> problems = {})
        : std::runtime_error(text), what_(what), problems_(std::move(problems))
    {}

    [[nodiscard]] kind why() const noexcept { return what_; }

    [[nodiscard]] const std::vector<problem>& problems() const noexcept { return problems_; }

  private:
    kind what_;
    std::vector<problem> problems_;
};

} // namespace potoo::server
