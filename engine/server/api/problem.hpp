#pragma once
/// @file
/// Why a request was not carried out, as RFC 9457 has it.

#include "engine/web/message.hpp"

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server {

/// One thing that is wrong with a request, besides others.
struct flaw
{
    std::string place;      ///< a JSON pointer into the body, or `?NAME` of the query
    std::string text;       ///< what was found and what is wanted
    std::string suggestion; ///< the nearest right spelling, or empty
};

/// More flaws than this are not told of.
inline constexpr std::size_t most_flaws = 20;

/// Thrown by whoever handles a request; what it says is for the caller.
class problem : public std::exception
{
  public:
    /// @param what the last part of its `type`, `run-unknown`
    /// @param flaws the first `most_flaws` are told, long texts in them shortened
    problem(unsigned status, std::string what, std::string detail, std::vector<flaw> flaws = {});

    [[nodiscard]] const char* what() const noexcept override { return detail_.c_str(); }

    [[nodiscard]] unsigned status() const noexcept { return status_; }

    /// Adds a field to the reply.
    problem& with(std::string name, std::string value);

    /// @param instance path of the request; empty = not said
    [[nodiscard]] web::reply reply(std::string_view instance = {}) const;

  private:
    unsigned status_;
    std::string what_;
    std::string detail_;
    std::vector<flaw> flaws_;
    std::vector<web::field> fields_;
};

/// `Not Found`
[[nodiscard]] std::string_view title_of(unsigned status) noexcept;

} // namespace potoo::server
