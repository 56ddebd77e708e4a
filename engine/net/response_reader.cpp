#include "engine/net/response_reader.hpp"

#include "engine/net/request_head.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::net {
namespace {

namespace http = boost::beast::http;

// Packed bytes may exceed what they unpack to by headers of empty members, not by more.
constexpr std::size_t packed_slack = std::size_t{64} * 1024;
// A Content-Length is a claim: only so much is believed before the bytes are there.
constexpr std::uint64_t believed_length = std::uint64_t{1} << 20;
constexpr unsigned most_interim_responses = 100;

std::string_view view(boost::beast::string_view s)
{
    return {s.data(), s.size()};
}

bool is_gzip(std::string_view encoding)
{
    return same_name(encoding, "gzip") || same_name(encoding, "x-gzip");
}

} // namespace

response_parser::response_parser(const reading_rules& rules, http_response room)
    : response(std::move(room)), rules_(rules)
{
    response.status = 0;
    response.headers.clear();
    response.body.clear();
    eager(true);
    header_limit(response_reader::header_limit);
    body_limit(boost::none);
    if (!rules.expect_body)
        skip(true);
}

void response_parser::on_response_impl(int status, text, int, error_code& ec)
{
    if (status < 100) {
        failure.emplace(http_error::malformed, fmt::format("the response's status, {:03}, is none of HTTP", status));
        ec = http::error::bad_status;
        return;
    }
    response.status = static_cast<unsigned>(status);
    constexpr std::size_t usual_headers = 8;
    if (rules_.all_headers)
        response.headers.reserve(usual_headers);
}

void response_parser::on_field_impl(http::field field, text name, text value, error_code&)
{
    // Trailers come after the body has been handled: too late to be believed.
    if (header_done_)
        return;
    if (field == http::field::content_encoding)
        says_gzip_ = is_gzip(view(value));
    if (rules_.all_headers || field == http::field::retry_after)
        response.headers.push_back({std::string(view(name)), std::string(view(value))});
}

void response_parser::on_header_impl(error_code&)
{
    header_done_ = true;
    streams_ = rules_.sink && *rules_.sink && response.status / 100 == 2;
}

void response_parser::on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code& ec)
{
    if (says_gzip_ && rules_.decode_gzip)
        gunzip_.emplace();
    else if (streams_)
        return;
    else if (content_length && *content_length > rules_.max_body)
        too_large(ec);
    else if (content_length)
        response.body.reserve(static_cast<std::size_t>(std::min(*content_length, believed_length)));
}

std::size_t response_parser::on_body_impl(text body, error_code& ec)
{
    if (streams_)
        pass_on(view(body), ec);
    else if (gunzip_)
        unpack(view(body), ec);
    else
        keep(view(body), ec);
    return body.size();
}

void response_parser::keep(std::string_view body, error_code& ec)
{
    if (body.size() > rules_.max_body - response.body.size())
        return too_large(ec);
    response.body.append(body);
}

void response_parser::pass_on(std::string_view body, error_code& ec)
{
    const http_body_sink& sink = *rules_.sink;
    auto passed = gunzip::status::ok;
    if (gunzip_)
        passed = gunzip_->pass_on(body, sink);
    else if (!body.empty() && !sink(body))
        passed = gunzip::status::stopped;
    if (passed == gunzip::status::broken)
        broken_gzip(ec);
    else if (passed == gunzip::status::stopped)
        not_wanted(ec);
}

std::size_t response_parser::on_chunk_body_impl(std::uint64_t, text body, error_code& ec)
{
    return on_body_impl(body, ec);
}

void response_parser::unpack(std::string_view body, error_code& ec)
{
    packed_ += body.size();
    if (packed_ > rules_.max_body && packed_ - rules_.max_body > packed_slack)
        return too_large(ec);
    switch (gunzip_->append(body, response.body, rules_.max_body)) {
    case gunzip::status::ok:
        return;
    case gunzip::status::too_large:
        return too_large(ec);
    case gunzip::status::broken:
        return broken_gzip(ec);
    case gunzip::status::stopped:
        return not_wanted(ec);
    }
}

void response_parser::on_finish_impl(error_code& ec)
{
    if (!gunzip_)
        return;
    if (!gunzip_->complete())
        return broken_gzip(ec);
    hide_encoding();
}

void response_parser::hide_encoding()
{
    // They would describe a body that the caller does not get.
    std::erase_if(response.headers, [](const http_header& h) {
        return same_name(h.name, "Content-Encoding") || same_name(h.name, "Content-Length");
    });
}

void response_parser::too_large(error_code& ec)
{
    failure.emplace(http_error::body_too_large,
                    fmt::format("the response's body exceeds the limit of {} bytes", rules_.max_body));
    ec = http::error::body_limit;
}

void response_parser::not_wanted(error_code& ec)
{
    failure.emplace(http_error::stopped, "the rest of the response's body was not wanted");
    ec = http::error::end_of_stream;
}

void response_parser::broken_gzip(error_code& ec)
{
    failure.emplace(http_error::malformed,
                    "the response's body says it is gzip and is damaged, cut short or something else");
    ec = http::error::bad_value;
}

or_problem<std::size_t> response_reader::put(std::string_view bytes)
{
    std::size_t taken = 0;
    while (!done_ && taken < bytes.size()) {
        started_ = true;
        boost::system::error_code ec;
        taken += parser_->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), ec);
        if (ec == http::error::need_more)
            return taken;
        if (ec)
            return describe(ec);
        if (!parser_->is_done())
            continue;
        auto ended = end_of_message();
        if (!ended)
            return ended.error();
    }
    return taken;
}

or_problem<void> response_reader::end_of_message()
{
    constexpr unsigned switching_protocols = 101;
    const unsigned status = parser_->response.status;
    if (status >= 200) {
        done_ = true;
        return {};
    }
    if (status == switching_protocols)
        return problem(http_error::malformed, "the response is 101 Switching Protocols, which was not asked for");
    if (++interim_ > most_interim_responses)
        return problem(http_error::malformed, "interim responses (1xx) without end");
    parser_.emplace(rules_);
    return {};
}

or_problem<void> response_reader::put_end()
{
    if (!parser_->got_some())
        return problem(http_error::connection_lost, "the connection was closed before a response came");
    boost::system::error_code ec;
    parser_->put_eof(ec);
    if (ec)
        return describe(ec);
    done_ = true;
    return {};
}

problem response_reader::describe(boost::system::error_code ec) const
{
    if (parser_->failure)
        return *parser_->failure;
    if (ec == http::error::partial_message)
        return {http_error::connection_lost, "the connection was closed before the response was complete"};
    if (ec == http::error::header_limit)
        return {http_error::malformed, fmt::format("the response's header exceeds {} bytes", header_limit)};
    return {http_error::malformed, fmt::format("the response is not valid HTTP: {}", ec.message())};
}

} // namespace potoo::net
