#pragma once
/// @file
/// A request that has come in by a route: who asks what, with everything that the route declares checked.

#include "engine/host/journal_desk.hpp"
#include "engine/host/run_sight.hpp"
#include "engine/journal/store.hpp"
#include "engine/server/access/principal.hpp"
#include "engine/server/api/api_services.hpp"
#include "engine/server/api/known_runs.hpp"
#include "engine/server/api/problem.hpp"
#include "engine/server/api/route.hpp"

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// What the API keeps between calls, and where it comes from.
struct api_state
{
    api_services services;
    host::journal_desk desk;
    std::string version;
    std::string public_url;
    std::string document{}; ///< OpenAPI, once it was asked for
    /// Keys of runs that are about to begin; each counts to 1 when that is done, or has failed.
    std::map<std::string, std::shared_ptr<counter>, std::less<>> starting;
    known_runs known{};
};

/// How the audit trail has a call.
struct audit_mark
{
    bool left_out = false;
    std::string target{}; ///< empty = the path
};

class call
{
  public:
    call(api_state& state, const route& r, const web::request& request, principal who,
         std::map<std::string, std::string, std::less<>> values, json::value body)
        : state(state), declared(r), request(request), who(std::move(who)), body(std::move(body)),
          values_(std::move(values))
    {}

    api_state& state;
    const route& declared;
    const web::request& request;
    const principal who;
    const json::value body; ///< matches the route's schema; null when there was none
    audit_mark audited{};

    [[nodiscard]] api_services& services() const noexcept { return state.services; }

    [[nodiscard]] wall_time now() const { return state.services.engine.loop().wall_now(); }

    /// A parameter of the path.
    [[nodiscard]] const std::string& in_path(std::string_view name) const { return values_.find(name)->second; }

    /// @throws problem (404) when it is no number
    [[nodiscard]] std::uint32_t number_in_path(std::string_view name) const;

    /// A parameter of the query; null when it was not given.
    [[nodiscard]] const std::string* text(std::string_view name) const { return request.find_query(name); }

    [[nodiscard]] std::optional<std::uint64_t> whole(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] std::optional<wall_time> instant(std::string_view name) const;

    /// `limit` of the query, or the usual one.
    [[nodiscard]] std::size_t limit() const;

    /// A member of the body; null when it was not given, or is null.
    [[nodiscard]] const json::value* member(std::string_view name) const;

    /// A text in the body; empty when it was not given.
    [[nodiscard]] std::string text_member(std::string_view name) const;

    /// The run in the path. @throws problem (404) when there is none, or it is not for this caller
    [[nodiscard]] journal::run_row run() const;

    /// The run of that id. @throws as `run`
    [[nodiscard]] journal::run_row run_of(const std::string& id) const;

    /// The task in the path, of that run. @throws problem (404) naming the nearest
    [[nodiscard]] task_index task(const journal::run_row& run) const;

    /// The task of that name. @throws problem naming the nearest: 404, or 400 where the query named it
    [[nodiscard]] task_index task_of(const journal::run_row& run, const std::string& name, unsigned status) const;

    /// @throws problem (422) naming the first of `names` that is no task of the run
    void check_tasks(const journal::run_row& run, const std::vector<std::string>& names) const;

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

inline constexpr std::size_t usual_limit = 100;
inline constexpr std::size_t largest_limit = 1'000;

/// Of which runs the caller is told where they hold what others wait for: users of their own only. It is asked while
/// the call lasts.
[[nodiscard]] host::run_sight sight_of(const call& c);

/// The parameters `limit` and `cursor` of a list.
[[nodiscard]] parameter limit_parameter();
[[nodiscard]] parameter cursor_parameter();

/// @throws problem (501) when `service` is null
template <class T>
[[nodiscard]] T& served(T* service, std::string_view what)
{
    if (!service)
        throw problem(501, "not-served", "This server has no " + std::string(what) + ".");
    return *service;
}

[[nodiscard]] web::reply json_reply(unsigned status, const json::value& document);

/// `{"items": […], "next": …}`. @param next empty = this is the last page
[[nodiscard]] web::reply list_reply(json::array items, const std::string& next);

/// A cursor that is a number. @throws problem (400)
[[nodiscard]] std::optional<std::uint64_t> cursor_number(const call& c);

[[nodiscard]] problem bad_cursor();

/// What became of a request to the engine. @throws problem when it was not accepted: 404, 409 or 422
[[nodiscard]] web::reply request_reply(const host::request_result& r);

} // namespace potoo::server
