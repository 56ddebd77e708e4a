#pragma once
/// @file
/// Owner of a file descriptor.

#include <unistd.h>

#include <utility>

namespace potoo::process {

class descriptor
{
  public:
    descriptor() noexcept = default;

    /// @param fd open, or -1 for none
    explicit descriptor(int fd) noexcept : fd_(fd) {}

    descriptor(descriptor&& other) noexcept : fd_(other.release()) {}

    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            close();
            fd_ = other.release();
        }
        return *this;
    }

    ~descriptor() { close(); }

    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

    /// -1 when there is none.
    [[nodiscard]] int get() const noexcept { return fd_; }

    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

    void close() noexcept
    {
        if (fd_ >= 0)
            ::close(release());
    }

  private:
    int fd_ = -1;
};

} // namespace potoo::process
