#pragma once
/// @file
/// What an HTTP server is asked and what it answers, free of sockets and of any parser.

#include <potoo/task.hpp>

#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::web {

using field = std::pair<std::string, std::string>;

/// A request that is well formed and within all limits.
struct request
{
    std::string method;                ///< upper case
    std::string path;                  ///< as sent, without the query
    std::vector<std::string> segments; ///< of the path, percent-decoded; none is empty, `.` or `..`
    std::vector<field> query;          ///< decoded, in order
    std::vector<field> fields;         ///< names in lower case
    std::string body;
    std::string peer;       ///< address of the client
    bool secure = false;    ///< it came over TLS, or a proxy that is trusted says so
    bool websocket = false; ///< it asks for a WebSocket
    std::any admitted;      ///< the handler's own: what `refuse` has found out from the head, for `answer`

    /// The first of that name (lower case); null when there is none. Valid as long as the request.
    [[nodiscard]] const std::string* find(std::string_view field_name) const noexcept;

    /// The first of that name in the query; null when there is none.
    [[nodiscard]] const std::string* find_query(std::string_view name) const noexcept;
};

/// Writes a body piece by piece (`reply::stream`).
class body_writer
{
  public:
    virtual ~body_writer() = default;

    /// Returns when the piece has left for the client. @throws cancelled when the client has gone, is too slow, or the
    /// server is told to stop
    [[nodiscard]] virtual task<> write(std::shared_ptr<const std::string> piece) = 0;
};

/// One side of an open WebSocket. Pings are answered and sent unseen; text only.
class websocket
{
  public:
    virtual ~websocket() = default;

    /// Returns when the message has left. @throws cancelled as `body_writer::write`
    [[nodiscard]] virtual task<> send(std::shared_ptr<const std::string> message) = 0;

    /// The next message of the client; nothing when it has closed. May wait beside a `send`.
    [[nodiscard]] virtual task<std::optional<std::string>> receive() = 0;

    /// Says goodbye, with a code of RFC 6455 and a reason of at most 123 bytes.
    [[nodiscard]] virtual task<> close(unsigned code, std::string reason) = 0;
};

/// Exactly one of `body`, `stream` and `talk` is used.
struct reply
{
    unsigned status = 200;
    std::vector<field> fields; ///< `Content-Length` and `Connection` are the server's
    std::string body;
    std::function<task<>(body_writer&)> stream; ///< the body's length is not known
    std::function<task<>(websocket&)> talk;     ///< the request asked for a WebSocket, and gets it
};

/// Who answers. Lives longer than the server.
class handler
{
  public:
    virtual ~handler() = default;

    /// Called when the head of a request has come and before its body is read, so that who must not ask sends nothing
    /// more. `body` of the request is empty. @return the refusal, or nothing
    [[nodiscard]] virtual std::optional<reply> refuse(request& head) = 0;

    /// Most bytes that the body may have, of a request that was not refused.
    [[nodiscard]] virtual std::size_t body_limit(const request& head) = 0;

    /// Of a request that was not refused. What it throws is answered by 500 and logged; `cancelled` ends the
    /// connection.
    [[nodiscard]] virtual task<reply> answer(request r) = 0;

    /// The reply for a request that never reaches `answer`: malformed, too large, too slow, too many.
    /// @param status as HTTP numbers it
    [[nodiscard]] virtual reply problem(unsigned status, std::string_view detail) = 0;
};

} // namespace potoo::web
