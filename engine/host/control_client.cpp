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

} // namespace

std::string ask_engine(const journal::state_layout& layout, const std::string& request, steady_time deadline)
{
    std::optional<control_address> address;
    try {
        address.emplace(layout);
    } catch (const std::system_error& e) {
        throw control_error(control_failure::nobody, e.what());
    }
    asio::basic_socket_streambuf<asio::local::stream_protocol> stream;
    stream.expires_at(deadline);
    if (!stream.connect(address->endpoint()))
        no_connection(stream.error());
    std::istream reader(&stream);
    const std::string line = request + '\n';
    std::string answer;
    const bool sent = stream.sputn(line.data(), static_cast<std::streamsize>(line.size())) ==
                          static_cast<std::streamsize>(line.size()) &&
                      stream.pubsync() == 0;
    // An engine that refuses a request may answer before it has taken all of it.
    if (std::getline(reader, answer) && !reader.eof())
        return answer;
    const error_code ec = stream.error();
    if (!sent && ec == asio::error::not_connected)
        no_connection(ec);
    throw control_error(ec == asio::error::timed_out ? control_failure::late : control_failure::broken,
                        ec ? ec.message() : "closed");
}

} // namespace potoo::host
