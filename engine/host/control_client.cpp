#include "engine/host/control_client.hpp"

#include "engine/host/control_address.hpp"

#include <boost/asio/basic_socket_streambuf.hpp>
#include <boost/asio/error.hpp>

#include <istream>
#include <optional>
#include <system_error>

namespace potoo::host {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

[[noreturn]] void no_connection(const error_code& ec)
{
    const bool not_allowed = ec == asio::error::access_denied || ec == asio::error::no_permission;
    const bool late = ec == asio::error::timed_out;
    throw control_error(not_allowed ? control_failure::refused
                        : late      ? control_failure::late
                                    : control_failure::nobody,
                        ec.message());
}

using socket_buffer = asio::basic_socket_streambuf<asio::local::stream_protocol>;

/// @return whether a whole line came
bool read_line(socket_buffer& stream, std::string& line, steady_time deadline)
{
    stream.expires_at(deadline);
    std::istream reader(&stream);
    std::string more;
    const bool whole = std::getline(reader, more) && !reader.eof();
    line += more;
    return whole;
}

} // namespace

std::string ask_engine(const journal::state_layout& layout, const std::string& request, steady_time deadline,
                       const slow_answer& slow)
{
    std::optional<control_address> address;
    try {
        address.emplace(layout);
    } catch (const std::system_error& e) {
        throw control_error(control_failure::nobody, e.what());
    }
    socket_buffer stream;
    stream.expires_at(deadline);
    if (!stream.connect(address->endpoint()))
        no_connection(stream.error());
    const std::string line = request + '\n';
    std::string answer;
    const bool sent = stream.sputn(line.data(), static_cast<std::streamsize>(line.size())) ==
                          static_cast<std::streamsize>(line.size()) &&
                      stream.pubsync() == 0;
    // An engine that refuses a request may answer before it has taken all of it.
    const auto first_patience = steady_clock::now() + slow.after;
    const bool told = slow.call && first_patience < deadline;
    if (read_line(stream, answer, told ? first_patience : deadline))
        return answer;
    if (told && sent && stream.error() == asio::error::timed_out) {
        slow.call();
        if (read_line(stream, answer, deadline))
            return answer;
    }
    const error_code ec = stream.error();
    if (!sent && ec == asio::error::not_connected)
        no_connection(ec);
    throw control_error(ec == asio::error::timed_out ? control_failure::late : control_failure::broken,
                        ec ? ec.message() : "closed");
}

} // namespace potoo::host
