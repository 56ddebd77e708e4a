#pragma once
/// @file
/// The last lines of the logs of attempts that are under way, to be shown when one fails.

#include "engine/journal/record.hpp"

#include <potoo/ids.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace potoo::cli {

class log_tail
{
  public:
    static constexpr std::size_t lines_kept = 10;
    static constexpr std::size_t line_length = 400; ///< bytes; what is longer is cut
    static constexpr std::size_t attempts_kept = 20'000;

    /// Keeps what is new; pieces need not be whole lines. Beyond `attempts_kept` attempts nothing is kept of others.
    void add(task_index t, item_index i, journal::log_stream stream, std::string_view text);

    /// The last lines of an attempt, which is forgotten.
    [[nodiscard]] std::vector<std::string> take(task_index t, item_index i);

    void forget(task_index t, item_index i) { attempts_.erase(key_of(t, i)); }

  private:
    struct tail
    {
        std::deque<std::string> lines;
        std::string open[3]; ///< by stream: a line that has not ended
    };

    [[nodiscard]] static std::uint64_t key_of(task_index t, item_index i) noexcept
    {
        return (std::uint64_t{t.value()} << 32) | i.value();
    }

    static void end_line(tail& a, std::string& line);

    std::unordered_map<std::uint64_t, tail> attempts_;
};

} // namespace potoo::cli
