#pragma once
/// @file
/// Bytes from a connection, turned into a response.

#include "engine/net/gzip.hpp"
#include "engine/net/problem.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace potoo::net {

struct reading_rules
{
    std::size_t max_body = 0;
    bool expect_body = true;              ///< false for the answer to HEAD or CONNECT
    bool decode_gzip = true;              ///< unpack a body that says it is gzip
    bool all_headers = true;              ///< false: only what the caller of a poll looks at, `Retry-After`
    const http_body_sink* sink = nullptr; ///< takes the body of a 2xx response; outlives the reading
};

/// One message as Beast finds it in the bytes, put together without its containers.
class response_parser final : public boost::beast::http::basic_parser<false>
{
  public:
    /// @param room its memory is used for the response
    explicit response_parser(const reading_rules& rules, http_response room = {});

    http_response response;
    /// Set where Beast's error alone would not say it.
    std::optional<problem> failure;

  private:
    using error_code = boost::system::error_code;
    using text = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, text, text, int, error_code&) override {}

    void on_response_impl(int status, text reason, int version, error_code& ec) override;
    void on_field_impl(boost::beast::http::field field, text name, text value, error_code& ec) override;
    void on_header_impl(error_code& ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code& ec) override;
    std::size_t on_body_impl(text body, error_code& ec) override;

    void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t remain, text body, error_code& ec) override;
    void on_finish_impl(error_code& ec) override;

    void too_large(error_code& ec);
    void not_wanted(error_code& ec);
    void broken_gzip(error_code& ec);
    void unpack(std::string_view body, error_code& ec);
    void keep(std::string_view body, error_code& ec);
    void pass_on(std::string_view body, error_code& ec);
    void hide_encoding();

    reading_rules rules_;
    bool header_done_ = false;
    bool says_gzip_ = false;
    bool streams_ = false; ///< the body goes to the sink
    std::optional<gunzip> gunzip_;
    std::size_t packed_ = 0;
};

/// Reads one response, skipping those of status 1xx before it. Header at most 64 KiB.
class response_reader
{
  public:
    static constexpr std::size_t header_limit = std::size_t{64} * 1024;

    /// @param room its memory is used for the response
    explicit response_reader(const reading_rules& rules, http_response room = {}) : rules_(rules)
    {
        parser_.emplace(rules_, std::move(room));
    }

    response_reader(const response_reader&) = delete;
    response_reader& operator=(const response_reader&) = delete;

    /// @return how many of the bytes it took. What it left must be given again, with more behind it.
    [[nodiscard]] or_problem<std::size_t> put(std::string_view bytes);

    /// The connection has ended in an orderly way.
    [[nodiscard]] or_problem<void> put_end();

    /// Something of a response has been read.
    [[nodiscard]] bool started() const noexcept { return started_; }

    [[nodiscard]] bool done() const noexcept { return done_; }

    /// Another request may follow on the connection. Only when done.
    [[nodiscard]] bool keep_alive() const { return parser_->keep_alive(); }

    /// Only when done.
    [[nodiscard]] http_response take() { return std::move(parser_->response); }

  private:
    [[nodiscard]] or_problem<void> end_of_message();
    [[nodiscard]] problem describe(boost::system::error_code ec) const;

    reading_rules rules_;
    bool started_ = false;
    bool done_ = false;
    unsigned interim_ = 0;
    std::optional<response_parser> parser_;
};

} // namespace potoo::net
