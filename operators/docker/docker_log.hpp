#pragma once
/// @file
/// A container's log as the engine sends it: standard output and standard error in one stream of frames.

#include <potoo/process.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace potoo::docker {

/// Takes the two streams apart again. A frame is `[stream, 0, 0, 0, length as 4 bytes, most significant first]` and so
/// many bytes.
class log_frames
{
  public:
    using receiver = std::function<void(output_stream, std::string_view)>;

    /// @param tty the container has a terminal: there are no frames, and all is standard output
    log_frames(bool tty, receiver to) : tty_(tty), to_(std::move(to)) {}

    /// Pieces of any size, in order. @return false when they are no frames: nothing more is to be put
    [[nodiscard]] bool put(std::string_view piece);

    /// Nothing of a frame is missing.
    [[nodiscard]] bool complete() const noexcept { return head_size_ == 0 && left_ == 0; }

  private:
    [[nodiscard]] bool begin_frame();

    bool tty_;
    receiver to_;
    std::array<unsigned char, 8> head_{};
    std::size_t head_size_ = 0; ///< of a head that has not come whole
    std::uint32_t left_ = 0;    ///< of the frame
    output_stream stream_ = output_stream::standard_output;
};

} // namespace potoo::docker
