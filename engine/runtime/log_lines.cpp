#include "engine/runtime/log_lines.hpp"

#include <utility>

namespace potoo::runtime {
namespace {

constexpr std::size_t longest_kept = 64 * 1024;
constexpr std::size_t always_kept = 1024;

/// The end of the last whole character in the first `end` bytes.
std::size_t character_end(const std::string& text, std::size_t end)
{
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return end;
}

} // namespace

std::string log_lines::add(std::string_view piece)
{
    kept_ += piece;
    const std::size_t line_end = kept_.rfind('\n');
    std::size_t complete = line_end == std::string::npos ? 0 : line_end + 1;
    if (kept_.size() - complete > longest_kept)
        complete = character_end(kept_, kept_.size() - always_kept);
    std::string whole = kept_.substr(0, complete);
    kept_.erase(0, complete);
    return whole;
}

std::string log_lines::take_rest()
{
    return std::exchange(kept_, {});
}

} // namespace potoo::runtime
