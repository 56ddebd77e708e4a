#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/http_json.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace potoo;

constexpr duration usual_timeout{60'000};
constexpr unsigned most_redirects = 10;

/// `200`, or `2xx` for a hundred of them.
struct status_range
{
    unsigned first;
    unsigned last;
};

status_range read_status_range(const json::value& v)
{
    std::string text = v.is_string() ? std::string(v.get_string()) : json::serialize(v);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() == 3 && text[0] >= '1' && text[0] <= '5') {
        const unsigned hundred = static_cast<unsigned>(text[0] - '0') * 100;
        if (text.substr(1) == "xx")
            return {hundred, hundred + 99};
        if (is_digit(text[1]) && is_digit(text[2])) {
            const auto status = static_cast<unsigned>(std::stoul(text));
            return {status, status};
        }
    }
    throw fatal(fmt::format("`expect` must hold statuses such as 200 or '2xx', not {}", json::serialize(v)));
}

std::vector<status_range> read_expected(const json::object& with)
{
    const json::value* expect = with.if_contains("expect");
    if (!expect)
        return {{200, 299}};
    if (!expect->is_array())
        return {read_status_range(*expect)};
    std::vector<status_range> ranges;
    for (const auto& v : expect->get_array())
        ranges.push_back(read_status_range(v));
    return ranges;
}

duration read_timeout(const json::object& with)
{
    const json::value* v = with.if_contains("timeout");
    if (!v)
        return usual_timeout;
    const auto* text = v->if_string();
    const auto d = text ? parse_duration(*text) : std::nullopt;
    if (!d || *d == duration::zero())
        throw fatal(fmt::format("`timeout` must be a duration such as 30s, not {}", json::serialize(*v)));
    return *d;
}

task<json::value> run_http(context& ctx)
{
    const json::object& with = ctx.input();
    const auto expected = read_expected(with);
    http_request request = read_http_request(with, "with");
    request.deadline = ctx.now_steady() + read_timeout(with);
    if (const json::value* limit = with.if_contains("max_body"))
        request.max_body = limit->to_number<std::size_t>();
    if (const json::value* follow = with.if_contains("follow_redirects"))
        request.max_redirects = follow->as_bool() ? most_redirects : 0;

    const std::string method = request.method;
    const std::string url = request.url;
    auto response = co_await ctx.http().send(std::move(request));
    if (!response)
        failure_of_exchange(method, url, response.error(), ctx.http().last_error_detail()).raise();
    const bool wanted = std::any_of(expected.begin(), expected.end(), [&](status_range r) {
        return response->status >= r.first && response->status <= r.last;
    });
    if (!wanted)
        failure_of_status(method, url, *response).raise();
    auto output = http_response_as_json(*response);
    if (!output)
        failure_of_exchange(method, url, http_error::malformed).raise();
    co_return std::move(*output);
}

} // namespace

POTOO_OPERATOR("http", run_http,
               {.summary = "Sends one HTTP request; the response is the output: status, headers, body.",
                .schema = R"({
      "type": "object", "required": ["url"], "additionalProperties": false,
      "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES R"(,
        "expect": {"description": "Statuses that are a success: 200, '2xx', or a list of such. Default 2xx.",
          "anyOf": [{"type": ["integer", "string"]},
                    {"type": "array", "minItems": 1, "items": {"type": ["integer", "string"]}}]},
        "timeout": {"type": "string", "description": "For the whole exchange, as in 30s. Default 1m."},
        "max_body": {"type": "integer", "minimum": 0,
          "description": "A longer response body, in bytes, is a failure. Default 16777216."},
        "follow_redirects": {"type": "boolean", "description": "Follow up to 10 redirects. Default false."}
      }})",
                .example = R"(notify:
  operator: http
  with:
    method: POST
    url: "https://hooks.example/runs"
    headers: {Authorization: "Bearer ${{ secrets.hook_token }}"}
    body: {run: "${{ run.id }}", state: done}
    expect: [200, 202]
)"})
