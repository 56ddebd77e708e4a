#include "engine/cli/file_text.hpp"

#include "engine/cli/usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace potoo::cli {

namespace {

[[noreturn]] void cannot_read(const std::string& file, const std::string& why)
{
    throw usage_error(
        fmt::format("{} cannot be read: {}", file == "-" ? "standard input" : fmt::format("'{}'", file), why));
}

class input
{
  public:
    explicit input(const std::string& file)
        : descriptor_(file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)), owned_(file != "-")
    {
        struct stat about{};
        if (descriptor_ < 0)
            cannot_read(file, std::generic_category().message(errno));
        if (::fstat(descriptor_, &about) == 0 && S_ISDIR(about.st_mode))
            cannot_read(file, "it is a directory");
    }

    input(const input&) = delete;
    input& operator=(const input&) = delete;

    ~input()
    {
        if (owned_ && descriptor_ >= 0)
            ::close(descriptor_);
    }

    /// @return bytes read, 0 at the end, below 0 with `errno`
    ssize_t read(char* to, std::size_t size) const
    {
        ssize_t n = 0;
        do
            n = ::read(descriptor_, to, size);
        while (n < 0 && errno == EINTR);
        return n;
    }

  private:
    int descriptor_;
    bool owned_;
};

} // namespace

std::string read_text(const std::string& file, std::size_t limit)
{
    const input in(file);
    std::string text;
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const ssize_t n = in.read(piece.data(), piece.size());
        if (n < 0)
            cannot_read(file, std::generic_category().message(errno));
        if (n == 0)
            return text;
        text.append(piece.data(), static_cast<std::size_t>(n));
        if (text.size() > limit)
            cannot_read(file, fmt::format("it has more than {} bytes", limit));
    }
}

} // namespace potoo::cli
