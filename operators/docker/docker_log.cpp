#include "docker_log.hpp"

#include <algorithm>

namespace potoo::docker {
namespace {

constexpr unsigned char standard_error_frame = 2;
/// 0 is standard input, which a terminal may echo; 3 is what the engine itself has to say.
constexpr unsigned char last_stream = 3;

} // namespace

bool log_frames::put(std::string_view piece)
{
    if (tty_) {
        if (!piece.empty())
            to_(output_stream::standard_output, piece);
        return true;
    }
    while (!piece.empty()) {
        if (left_ == 0) {
            head_[head_size_++] = static_cast<unsigned char>(piece.front());
            piece.remove_prefix(1);
            if (head_size_ == head_.size() && !begin_frame())
                return false;
            continue;
        }
        const std::string_view part = piece.substr(0, left_);
        to_(stream_, part);
        left_ -= static_cast<std::uint32_t>(part.size());
        piece.remove_prefix(part.size());
    }
    return true;
}

bool log_frames::begin_frame()
{
    head_size_ = 0;
    if (head_[0] > last_stream || head_[1] != 0 || head_[2] != 0 || head_[3] != 0)
        return false;
    stream_ = head_[0] >= standard_error_frame ? output_stream::standard_error : output_stream::standard_output;
    left_ = 0;
    for (std::size_t i = 4; i < head_.size(); ++i)
        left_ = left_ << 8U | head_[i];
    return true;
}

} // namespace potoo::docker
