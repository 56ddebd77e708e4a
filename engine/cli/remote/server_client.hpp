#pragma once
/// @file
/// Asks a server, from a program that has nothing else to do meanwhile: every call blocks.

#include "engine/cli/remote/api_path.hpp"
#include "engine/cli/remote/event_text.hpp"
#include "engine/cli/remote/server_access.hpp"
#include "engine/cli/remote/server_error.hpp"

#include <potoo/json.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::cli {

/// An answer of success.
struct server_answer
{
    unsigned status = 0;
    json::value body; ///< null when it has none
};

/// Why nothing more comes of a stream.
enum class stream_end
{
    ended,       ///< the server has nothing more
    stopped,     ///< the sink wanted no more
    interrupted, ///< `interrupt`
};

class server_client
{
  public:
    explicit server_client(server_access to);
    ~server_client();

    server_client(const server_client&) = delete;
    server_client& operator=(const server_client&) = delete;

    [[nodiscard]] const server_access& access() const noexcept;

    /// @throws server_error, as all below
    [[nodiscard]] json::value get(const api_path& path);

    /// Asks again for a minute when a server that has answered before does not any more. @return nothing when it was
    /// interrupted
    /// @param say tells people that it is being tried again
    [[nodiscard]] std::optional<json::value> get_patiently(const api_path& path,
                                                           const std::function<void(const std::string&)>& say);

    /// @param key makes asking twice the same as asking once; empty = none
    server_answer ask(std::string_view method, const api_path& path, const json::value& body = {},
                      std::string_view key = {});

    /// Every object of a list, page by page, until `visit` returns false.
    void each(const api_path& path, const std::function<bool(json::object)>& visit);

    /// What comes at `path`, as it comes. @param accept the media type that is wanted
    stream_end read(const api_path& path, std::string_view accept, const std::function<bool(std::string_view)>& sink);

    /// Messages, in order, none twice. A connection that is lost is made again, and goes on where it was; after a
    /// minute without one, that is given up.
    /// @param make the path of what follows a cursor; empty = before the first message
    /// @param say tells people that it is being tried again
    stream_end follow(const std::function<api_path(const std::string& cursor)>& make,
                      const std::function<bool(const stream_message&)>& sink,
                      const std::function<void(const std::string&)>& say);

    /// For handlers of signals: what runs on it runs while a call waits.
    [[nodiscard]] boost::asio::io_context& context() noexcept;

    /// Lets the time pass. @return false when it was interrupted, before or meanwhile
    bool pause(std::chrono::milliseconds time);

    /// Ends the stream that is being read or followed, and what comes after it. On the context.
    void interrupt();

  private:
    class patience;
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::cli
