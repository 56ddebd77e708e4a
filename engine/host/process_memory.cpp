#include "engine/host/host_ports.hpp"

#include <potoo/detail/frame_slab.hpp>

#include <charconv>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

namespace potoo::host {
namespace {

/// 0 when the kernel does not say.
std::uint64_t resident_bytes()
{
    char text[128];
    const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t size = ::read(file, text, sizeof text);
    ::close(file);
    if (size <= 0)
        return 0;
    const std::string_view fields(text, static_cast<std::size_t>(size));
    const auto second = fields.find(' ');
    std::uint64_t pages = 0;
    if (second != std::string_view::npos)
        std::from_chars(fields.data() + second + 1, fields.data() + fields.size(), pages);
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t free_bytes_kept()
{
    return std::uint64_t{::mallinfo2().fordblks} + detail::frame_bytes_kept();
}

} // namespace

runtime::memory_probe memory_of_the_process()
{
    return {resident_bytes, free_bytes_kept};
}

} // namespace potoo::host
