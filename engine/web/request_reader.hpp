#pragma once
/// @file
/// Bytes from a connection, turned into a request. Strict: what two readers could understand in two ways is refused, so
/// that no request can hide in another (RFC 9112, 11.2).

#include "engine/web/chunk_reader.hpp"
#include "engine/web/message.hpp"
#include "engine/web/refusal.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::web {

/// The head of a message as Beast finds it in the bytes, put together without its containers.
class request_parser final : public boost::beast::http::basic_parser<true>
{
  public:
    explicit request_parser(std::size_t head_limit);

    request parsed;
    std::string target;
    int version_number = 0; ///< 10 or 11

  private:
    using error_code = boost::system::error_code;
    using text = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, text method, text target, int version, error_code& ec) override;

    void on_response_impl(int, text, int, error_code&) override {}

    void on_field_impl(boost::beast::http::field, text name, text value, error_code& ec) override;

    void on_header_impl(error_code&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

    std::size_t on_body_impl(text, error_code&) override { return 0; }

    void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, text, error_code&) override { return 0; }

    void on_finish_impl(error_code&) override {}
};

/// Reads one request: its head, then, once it has been told how much is allowed, its body. After a refusal nothing that
/// comes on the connection can be understood.
class request_reader
{
  public:
    explicit request_reader(std::size_t head_limit) : head_limit_(head_limit), parser_(head_limit) {}

    request_reader(const request_reader&) = delete;
    request_reader& operator=(const request_reader&) = delete;

    /// Stops after the head, and after the body.
    /// @return how many of the bytes it took. What it left must be given again, with more behind it.
    [[nodiscard]] or_refusal<std::size_t> put(std::string_view bytes);

    [[nodiscard]] bool head_done() const noexcept { return head_done_; }

    /// All of it has come.
    [[nodiscard]] bool done() const noexcept
    {
        return head_done_ && (chunks_ ? chunks_->done() : parser_.parsed.body.size() == length_);
    }

    /// `body` and `peer` are empty as yet. Only when the head is done.
    [[nodiscard]] request& head() noexcept { return parser_.parsed; }

    /// From here on the body is read, up to so many bytes. @return the refusal of a body that says it is larger
    [[nodiscard]] or_refusal<void> allow_body(std::size_t limit);

    /// Of the body, what has come.
    [[nodiscard]] std::size_t body_size() const noexcept { return parser_.parsed.body.size(); }

    /// The client sends the body only when it has been told to.
    [[nodiscard]] bool awaits_continue() const noexcept { return awaits_continue_; }

    /// Another request may follow on the connection.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

    /// HTTP/1.1, not 1.0.
    [[nodiscard]] bool modern() const noexcept { return modern_; }

    /// With the body. Only when done.
    [[nodiscard]] request take() { return std::move(parser_.parsed); }

  private:
    [[nodiscard]] or_refusal<std::size_t> put_head(std::string_view bytes);
    [[nodiscard]] or_refusal<std::size_t> put_body(std::string_view bytes);
    [[nodiscard]] std::optional<refusal> scan(std::string_view bytes);
    [[nodiscard]] or_refusal<void> check_head();
    [[nodiscard]] std::optional<refusal> check_framing();
    [[nodiscard]] std::optional<refusal> check_host() const;
    [[nodiscard]] std::optional<refusal> check_upgrade();

    std::size_t head_limit_;
    request_parser parser_;
    std::optional<chunk_reader> chunks_;
    std::size_t length_ = 0; ///< of a body that does not come in chunks
    std::size_t body_limit_ = 0;
    std::size_t scanned_ = 0;
    std::size_t lines_ = 0; ///< of the head that have been seen
    bool head_done_ = false;
    bool awaits_continue_ = false;
    bool keep_alive_ = false;
    bool modern_ = false;
};

} // namespace potoo::web
