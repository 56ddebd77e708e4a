#pragma once
/// @file
/// A server cannot be asked, or refuses.

#include "engine/cli/display/exit_code.hpp"

#include <boost/system/error_code.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::cli {

class server_error : public std::runtime_error
{
  public:
    /// @param text as that of `usage_error`
    /// @param status of the answer; 0 = there was none
    server_error(const std::string& text, unsigned status, exit_code code)
        : std::runtime_error(text), status_(status), code_(code)
    {}

    [[nodiscard]] unsigned status() const noexcept { return status_; }

    /// What the program ends with.
    [[nodiscard]] exit_code code() const noexcept { return code_; }

  private:
    unsigned status_;
    exit_code code_;
};

/// What was asked, and of whom.
struct asked_of_server
{
    std::string_view method;
    std::string_view server; ///< its URL
    std::string_view path;
    bool with_token = false;
};

/// An answer that is no success.
struct refused_answer
{
    unsigned status = 0;
    std::string_view content_type;
    std::string_view body;
    std::string_view location;    ///< of a redirection
    std::string_view retry_after; ///< as the server wrote it
};

/// What people are told of it: a problem document (RFC 9457) as what, where and next; anything else as not potoo's.
[[nodiscard]] server_error error_of_answer(const asked_of_server& asked, const refused_answer& answer);

/// What people are told when no answer came.
/// @param detail a sentence of the HTTP client; may be empty
[[nodiscard]] server_error error_of_exchange(const asked_of_server& asked, boost::system::error_code ec,
                                             std::string_view detail);

/// An answer of success that no potoo server gives.
[[nodiscard]] server_error no_potoo_server(const asked_of_server& asked, unsigned status, std::string_view why);

} // namespace potoo::cli
