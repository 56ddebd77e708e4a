#include "engine/server/api/problem.hpp"

#include "engine/server/access/short_text.hpp"
#include "engine/server/access/token_book.hpp"

#include <potoo/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace potoo::server {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 21> titles{{
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
}};

constexpr std::size_t flaw_bytes = 500;
constexpr std::size_t detail_bytes = 10'000; // what is wrong with a DAG's file is told at some length

json::object flaw_json(const flaw& f)
{
    json::object out{{"place", shortened(f.place, flaw_bytes)},
                     {"detail", shortened(without_secrets(f.text), flaw_bytes)}};
    if (!f.suggestion.empty())
        out["suggestion"] = f.suggestion;
    return out;
}

} // namespace

std::string_view title_of(unsigned status) noexcept
{
    const auto found = std::find_if(titles.begin(), titles.end(), [&](const auto& t) { return t.first == status; });
    return found == titles.end() ? "Error" : found->second;
}

problem::problem(unsigned status, std::string what, std::string detail, std::vector<flaw> flaws)
    : status_(status), what_(std::move(what)), detail_(shortened(without_secrets(detail), detail_bytes)),
      flaws_(std::move(flaws))
{
    if (flaws_.size() <= most_flaws)
        return;
    flaws_.resize(most_flaws);
    flaws_.push_back({{}, "and more, which is not listed", {}});
}

problem& problem::with(std::string name, std::string value)
{
    fields_.emplace_back(std::move(name), std::move(value));
    return *this;
}

web::reply problem::reply(std::string_view instance) const
{
    json::object document{{"type", "urn:potoo:problem:" + what_},
                          {"title", json::string(title_of(status_))},
                          {"status", status_},
                          {"detail", detail_}};
    if (!instance.empty())
        document["instance"] = json::string(instance);
    json::array errors;
    for (const flaw& f : flaws_)
        errors.push_back(flaw_json(f));
    if (!errors.empty())
        document["errors"] = std::move(errors);
    web::reply r;
    r.status = status_;
    r.fields = fields_;
    r.fields.emplace_back("Content-Type", "application/problem+json");
    r.body = json::serialize(document) + '\n';
    return r;
}

} // namespace potoo::server
