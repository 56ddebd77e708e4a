#pragma once
/// @file
/// The user must change something before this can be done.

#include <stdexcept>
#include <string>

namespace potoo::cli {

/// Bad arguments, or a bad DAG file: exit code 2.
class usage_error : public std::runtime_error
{
  public:
    /// @param text one or more whole lines if it ends with a line feed: shown as it is; otherwise one message
    explicit usage_error(const std::string& text) : std::runtime_error(text) {}
};

} // namespace potoo::cli
