#pragma once
// What happened, as lines: hashed always, the last of them kept, all of them printed on request.

#include "event_queue.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace potoo::sim {

class trace
{
  public:
    explicit trace(const event_queue& clock, bool print) noexcept : clock_(clock), print_(print) {}

    template <class... Args>
    void note(fmt::format_string<Args...> format, Args&&... args)
    {
        std::string line = time_text(clock_.elapsed());
        fmt::format_to(std::back_inserter(line), format, std::forward<Args>(args)...);
        add(std::move(line));
    }

    /// Of all lines so far.
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

    [[nodiscard]] const std::deque<std::string>& last() const noexcept { return last_; }

    [[nodiscard]] static std::string time_text(duration d)
    {
        return fmt::format("{:>9}.{:03} ", d.count() / 1000, d.count() % 1000);
    }

  private:
    static constexpr std::size_t kept = 60;

    void add(std::string line)
    {
        for (const char c : line)
            hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
        if (print_)
            std::printf("%s\n", line.c_str());
        if (last_.size() == kept)
            last_.pop_front();
        last_.push_back(std::move(line));
    }

    const event_queue& clock_;
    bool print_;
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
    std::deque<std::string> last_;
};

} // namespace potoo::sim
