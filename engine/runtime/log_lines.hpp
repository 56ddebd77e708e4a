#pragma once
/// @file
/// Output comes in pieces of any size; a secret or a character must not be cut in two before it is looked for.

#include <string>
#include <string_view>

namespace potoo::runtime {

/// Gives on whole lines and keeps the last unfinished one. A line of more than 64 KiB is given on in parts that overlap
/// nothing: its last KiB stays back.
class log_lines
{
  public:
    /// @return what is complete by now, may be empty
    [[nodiscard]] std::string add(std::string_view piece);

    /// What was kept back.
    [[nodiscard]] std::string take_rest();

  private:
    std::string kept_;
};

} // namespace potoo::runtime
