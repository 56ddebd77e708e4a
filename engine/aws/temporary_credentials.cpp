#include "engine/aws/temporary_credentials.hpp"

#include <potoo/http_failure.hpp>

#include <fmt/format.h>

namespace potoo::aws {
namespace {

[[noreturn]] void refuse(const std::string& place, std::string_view why)
{
    throw failure(fmt::format("{} answered with no usable credentials: {}", place, why), "malformed_credentials");
}

std::string text_at(const json::object& o, std::string_view name)
{
    const json::value* v = name.empty() ? nullptr : o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

std::optional<wall_time> time_at(const json::object& o, std::string_view name, const std::string& place)
{
    const json::value* v = name.empty() ? nullptr : o.if_contains(name);
    if (!v || v->is_null())
        return std::nullopt;
    boost::system::error_code ec;
    if (v->is_number()) {
        const auto ms = v->to_number<std::int64_t>(ec);
        if (!ec)
            return wall_time(duration(ms));
    }
    const auto t = v->is_string() ? parse_time(std::string_view(v->get_string())) : std::nullopt;
    if (!t)
        refuse(place, fmt::format("`{}` is no time", name));
    return t;
}

} // namespace

credentials credentials_of(const json::object& o, const member_names& names, const std::string& place)
{
    credentials c;
    c.access_key_id = text_at(o, names.id);
    c.secret_access_key = text_at(o, names.secret);
    c.session_token = text_at(o, names.token);
    c.expires = time_at(o, names.expires, place);
    c.source = place;
    if (c.access_key_id.empty() || c.secret_access_key.empty())
        refuse(place, fmt::format("`{}` or `{}` is missing", names.id, names.secret));
    return c;
}

credentials credentials_of_json(std::string_view body, const member_names& names, const std::string& place)
{
    boost::system::error_code ec;
    const json::value v = json::parse(json::string_view(body.data(), body.size()), ec);
    if (ec || !v.is_object())
        refuse(place, "it is no JSON object");
    return credentials_of(v.get_object(), names, place);
}

credentials credentials_of_xml(std::string_view body, const std::string& place)
{
    const auto all = xml_elements(body, "Credentials");
    if (all.empty())
        refuse(place, "it has no `Credentials`");
    credentials c;
    c.access_key_id = xml_text(all.front(), "AccessKeyId").value_or("");
    c.secret_access_key = xml_text(all.front(), "SecretAccessKey").value_or("");
    c.session_token = xml_text(all.front(), "SessionToken").value_or("");
    c.source = place;
    if (const auto expires = xml_text(all.front(), "Expiration")) {
        c.expires = parse_time(*expires);
        if (!c.expires)
            refuse(place, "`Expiration` is no time");
    }
    if (c.access_key_id.empty() || c.secret_access_key.empty())
        refuse(place, "`AccessKeyId` or `SecretAccessKey` is missing");
    return c;
}

task<http_response> ask_for_credentials(outside o, http_request r, std::string place)
{
    constexpr duration usual_time{10'000};
    constexpr unsigned first_client_error = 400;
    constexpr unsigned first_server_error = 500;
    if (r.deadline == steady_time::max())
        r.deadline = o.loop.now() + usual_time;
    const std::string method = r.method;
    const std::string url = r.url;
    auto response = co_await o.http.send(std::move(r));
    if (!response) {
        http_failure f = failure_of_exchange(method, url, response.error(), o.http.last_error_detail());
        f.message = fmt::format("{} cannot be asked: {}", place, f.message);
        f.raise_repeatable();
    }
    if (response->status >= 200 && response->status <= 299)
        co_return std::move(*response);
    const service_error e = error_of(*response);
    const bool client_error = response->status >= first_client_error && response->status < first_server_error;
    if (!client_error || is_retryable_status(response->status) || e.code.find("Throttl") != std::string::npos) {
        http_failure f = failure_of_status(method, url, *response);
        f.kind = failure_class::retryable;
        f.message = fmt::format("{}: {}", place, f.message);
        f.raise();
    }
    const bool denied = e.code.starts_with("AccessDenied") || (e.code.empty() && response->status == 403);
    throw fatal(fmt::format("{} refused ({}): {}", place,
                            e.code.empty() ? fmt::format("HTTP {}", response->status) : e.code,
                            e.message.empty() ? "it does not say why" : e.message),
                denied ? "forbidden" : "unauthorized");
}

} // namespace potoo::aws
