#include <potoo/aws.hpp>
#include <potoo/http_failure.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace potoo::aws {
namespace {

constexpr duration first_pause{1'000};
constexpr duration longest_pause{30'000};
constexpr duration longest_pause_asked_for{3'600'000};
constexpr std::size_t longest_body_quoted = 64 * 1024;

bool among(std::string_view code, std::initializer_list<std::string_view> codes)
{
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool is_expired(const service_error& e)
{
    return among(e.code, {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"});
}

bool is_unknown_key(const service_error& e)
{
    return among(e.code, {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken",
                          "AuthFailure", "InvalidClientTokenIdException"});
}

bool is_wrong_signature(const service_error& e)
{
    return among(e.code,
                 {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
                  "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException"});
}

bool is_skewed(const service_error& e)
{
    return among(e.code, {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}) ||
           (is_wrong_signature(e) && (e.message.find("Signature expired") != std::string::npos ||
                                      e.message.find("Signature not yet current") != std::string::npos));
}

bool is_throttled(const service_error& e, const http_response& r)
{
    return r.status == 429 ||
           among(e.code, {"TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException",
                          "RequestLimitExceeded", "SlowDown", "RequestThrottled", "RequestThrottledException",
                          "LimitExceededException", "BandwidthLimitExceeded"});
}

/// `com.amazonaws.logs#ResourceNotFoundException` and `ClientException:http://…` without what is around the name.
std::string bare_code(std::string_view text)
{
    if (const auto hash = text.rfind('#'); hash != std::string_view::npos)
        text.remove_prefix(hash + 1);
    return std::string(text.substr(0, text.find(':')));
}

std::string member(const json::object& o, std::initializer_list<const char*> names)
{
    for (const char* name : names) {
        const json::value* v = o.if_contains(name);
        if (v && v->is_string())
            return std::string(v->get_string());
    }
    return {};
}

/// What follows says which headers were signed, tokens among them.
std::string without_canonical_request(std::string message)
{
    for (const std::string_view begin :
         {"The Canonical String", "The canonical string", "The String-to-Sign", "The String to Sign"})
        message.resize(std::min(message.find(begin), message.size()));
    while (!message.empty() && (message.back() == '\n' || message.back() == ' '))
        message.pop_back();
    return message;
}

} // namespace

service_error error_of(const http_response& r)
{
    service_error e;
    if (r.status < 300 || r.body.size() > longest_body_quoted) {
        e.code = bare_code(r.header("x-amzn-ErrorType"));
        return e;
    }
    boost::system::error_code ec;
    const json::value v = json::parse(r.body, ec);
    if (const auto* o = ec ? nullptr : v.if_object()) {
        e.code = bare_code(member(*o, {"__type", "code", "Code"}));
        e.message = member(*o, {"message", "Message", "errorMessage"});
    } else {
        e.code = xml_text(r.body, "Code").value_or("");
        e.message = xml_text(r.body, "Message").value_or("");
    }
    if (const auto type = r.header("x-amzn-ErrorType"); !type.empty())
        e.code = bare_code(type);
    e.message = without_canonical_request(std::move(e.message));
    return e;
}

std::string service::as_whom(const credentials& c) const
{
    const std::string& id = c.access_key_id;
    const std::string shown = id.size() < 12 ? id : id.substr(0, 4) + "…" + id.substr(id.size() - 4);
    return fmt::format("access key {} (from {})", shown, c.source);
}

void service::raise_refusal(const service_error& e, const credentials& c) const
{
    std::string why = fmt::format("its signature is wrong: the secret key does not belong to this access key");
    if (is_skewed(e))
        throw fatal(fmt::format("{} refuses the request of {} for its time: is this machine's clock right? ({}: {})",
                                what_.name, as_whom(c), e.code, e.message),
                    "clock_skew");
    if (is_expired(e))
        why = "it has expired, and nothing newer was found where it came from";
    else if (is_unknown_key(e))
        why = "it does not know this access key: it was deleted or revoked, or belongs elsewhere";
    throw fatal(fmt::format("{} does not accept {}: {} ({}: {})", what_.name, as_whom(c), why, e.code, e.message),
                "unauthorized");
}

task<account::address> service::address()
{
    if (!address_) {
        auto a = co_await account_.find_address(what_.host, what_.setting, what_.endpoint_url);
        address_ = std::move(a);
    }
    co_return *address_;
}

task<http_response> service::exchange(outside o, http_request r, nature n)
{
    const auto at = co_await address();
    if (r.url.starts_with('/'))
        r.url = at.url + r.url;
    for (bool again = false;; again = true) {
        const auto who = co_await account_.sign_in(o);
        http_request signed_request = r;
        signed_request.deadline = std::min(r.deadline, o.loop.now() + what_.request_timeout);
        sign(signed_request, *who, at.region, what_.signing_name, o.loop.wall_now());
        last_identity_ = as_whom(*who);
        auto response = co_await o.http.send(std::move(signed_request));
        if (!response) {
            const std::string detail = o.http.last_error_detail();
            if (n == nature::launches)
                launch_failure_of_exchange(r.method, r.url, response.error(), detail).raise();
            failure_of_exchange(r.method, r.url, response.error(), detail).raise_repeatable();
        }
        if (response->status < 400)
            co_return std::move(*response);
        const service_error e = error_of(*response);
        if (!is_skewed(e) && !is_expired(e) && !is_unknown_key(e) && !is_wrong_signature(e) && response->status != 401)
            co_return std::move(*response);
        if (again || is_skewed(e)) {
            account_.refused(*who);
            raise_refusal(e, *who);
        }
        account_.refused(*who);
        const auto other = co_await account_.sign_in(o);
        if (other->same_key(*who)) {
            account_.refused(*who);
            raise_refusal(e, *who);
        }
    }
}

void service::throttle(const outside& o, const http_response& r)
{
    const steady_time now = o.loop.now();
    // The answers to what was under way say once what they say; and what was calm for long begins anew.
    if (pause_ == duration::zero() || now >= paused_until_ + longest_pause)
        pause_ = first_pause;
    else if (now >= paused_until_)
        pause_ = std::min(pause_ * 2, longest_pause);
    const auto asked = r.retry_after(o.loop.wall_now());
    const duration pause = asked ? std::clamp(*asked, first_pause, longest_pause_asked_for) : pause_;
    if (asked || now >= paused_until_)
        paused_until_ = std::max(paused_until_, now + pause);
    if (slow_down_)
        slow_down_(paused_until_);
}

void service::raise(const outside& o, const http_request& asked, const http_response& r, nature n)
{
    const service_error e = error_of(r);
    if (is_throttled(e, r)) {
        throttle(o, r);
        throw failure(fmt::format("{} asks for fewer requests ({} {})", what_.name, r.status, e.code), "throttled");
    }
    if (asked_pause(r, o.loop.wall_now()))
        throttle(o, r);
    http_failure f = n == nature::launches ? launch_failure_of_status(asked.method, asked.url, r)
                                           : failure_of_status(asked.method, asked.url, r);
    if (r.status == 403 || e.code.starts_with("AccessDenied"))
        throw fatal(fmt::format("{} does not allow {} to do this: {} ({})", what_.name, last_identity_,
                                e.message.empty() ? "it does not say why" : e.message, e.code),
                    "forbidden");
    if (r.status < 500 && !e.code.empty()) {
        f.code = e.code;
        f.message =
            fmt::format("{}: {} ({}, {} {})", what_.name, e.message, e.code, asked.method, without_query(asked.url));
    }
    if (n == nature::launches)
        f.raise();
    f.raise_repeatable();
}

task<http_response> service::send(outside o, http_request r, nature n)
{
    const auto at = co_await address();
    http_request asked;
    asked.method = r.method;
    asked.url = r.url.starts_with('/') ? at.url + r.url : r.url;
    auto response = co_await exchange(o, std::move(r), n);
    if (response.status < 200 || response.status > 299)
        raise(o, asked, response, n);
    co_return response;
}

} // namespace potoo::aws
