#include "tests/integration/server/served.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>

namespace potoo::server::test {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

constexpr std::string_view greeting = "listening on http://";

void connect(tcp::socket& s, const std::string& address)
{
    const auto colon = address.rfind(':');
    s.connect({boost::asio::ip::make_address(address.substr(0, colon)),
               static_cast<unsigned short>(std::stoi(address.substr(colon + 1)))});
}

http::request<http::string_body> request(const std::string& address, const std::string& method,
                                         const std::string& target)
{
    http::request<http::string_body> r(http::string_to_verb(method), target, 11);
    r.set(http::field::host, address);
    return r;
}

std::vector<std::string> arguments(std::vector<std::string> more)
{
    std::vector<std::string> all{"server", "--dags", "dags", "--state", "state", "--listen", "127.0.0.1:0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace

json::value answer::document() const
{
    boost::system::error_code ec;
    json::value v = json::parse(body, ec);
    BOOST_TEST(!ec, "no JSON: " << body);
    return v;
}

answer ask(const std::string& address, const std::string& method, const std::string& target, const std::string& body,
           const std::string& token)
{
    boost::asio::io_context context;
    tcp::socket s(context);
    connect(s, address);
    auto r = request(address, method, target);
    if (!token.empty())
        r.set(http::field::authorization, "Bearer " + token);
    if (!body.empty()) {
        r.set(http::field::content_type, "application/json");
        r.body() = body;
        r.prepare_payload();
    }
    http::write(s, r);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> got;
    http::read(s, buffer, got);
    return {got.result_int(), std::string(got[http::field::content_type]), got.body()};
}

served::served(const cli::test::workspace& where, std::vector<std::string> more)
    : program_(where, arguments(std::move(more)))
{
    BOOST_REQUIRE(program_.wait_for(greeting));
    // The line may come in pieces.
    BOOST_REQUIRE(program_.wait_for("ready"));
    const std::string& told = program_.told();
    const auto from = told.find(greeting) + greeting.size();
    address_ = told.substr(from, told.find_first_of(" \n", from) - from);
}

std::vector<json::object> served::events_until(const std::string& type, const std::string& run,
                                               std::string cursor) const
{
    boost::asio::io_context context;
    tcp::socket s(context);
    connect(s, address_);
    auto r = request(address_, "GET", "/api/v1/events?since=" + cursor);
    r.set(http::field::accept, "text/event-stream");
    http::write(s, r);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> head;
    http::read_header(s, buffer, head);
    BOOST_REQUIRE_EQUAL(head.get().result_int(), 200u);
    // Of the chunks only the lines with data are looked at: `data:` begins no chunk's size.
    std::string text(static_cast<const char*>(buffer.data().data()), buffer.size());
    std::vector<json::object> events;
    for (std::size_t read = 0;;) {
        const auto end = text.find('\n', read);
        if (end == std::string::npos) {
            std::string piece(4'096, '\0');
            piece.resize(s.read_some(boost::asio::buffer(piece)));
            text += piece;
            continue;
        }
        const std::string line = text.substr(read, end - read);
        read = end + 1;
        if (!line.starts_with("data:"))
            continue;
        const json::value message = json::parse(line.substr(5));
        for (const json::value& e : message.at("events").as_array()) {
            events.push_back(e.as_object());
            const json::value* of = events.back().if_contains("run");
            if (events.back().at("type").as_string() == type && (run.empty() || (of && of->as_string() == run)))
                return events;
        }
    }
}

cli::test::result served::stop()
{
    program_.signal(SIGTERM);
    return program_.finish();
}

void served::kill()
{
    program_.signal(SIGKILL);
    static_cast<void>(program_.finish());
}

} // namespace potoo::server::test
