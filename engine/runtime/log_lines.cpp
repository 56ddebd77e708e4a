#include "engine/runtime/log_lines.hpp"

#include "engine/text/characters.hpp"

#include <utility>

namespace potoo::runtime {
namespace {

constexpr std::size_t longest_kept = 64 * 1024;
constexpr std::size_t always_kept = 1024;

} // namespace

std::string log_lines::add(std::string_view piece)
{
    kept_ += piece;
    const std::size_t line_end = kept_.rfind('\n');
    std::size_t complete = line_end == std::string::npos ? 0 : line_end + 1;
    if (kept_.size() - complete > longest_kept)
        complete = text::whole_characters(kept_, kept_.size() - always_kept).size();
    std::string whole = kept_.substr(0, complete);
    kept_.erase(0, complete);
    return whole;
}

std::string log_lines::take_rest()
{
    return std::exchange(kept_, {});
}

} // namespace potoo::runtime
