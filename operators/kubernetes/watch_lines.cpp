#include "watch_lines.hpp"

namespace potoo::kubernetes {

bool line_splitter::add(std::string_view piece)
{
    for (;;) {
        const auto end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        if (end == std::string_view::npos) {
            begun_.append(part);
            return begun_.size() <= longest_line;
        }
        bool more = true;
        if (begun_.empty()) {
            more = part.empty() || sink_(part);
        } else {
            begun_.append(part);
            more = begun_.size() <= longest_line && sink_(begun_);
            begun_.clear();
        }
        if (!more)
            return false;
        piece.remove_prefix(end + 1);
    }
}

} // namespace potoo::kubernetes
