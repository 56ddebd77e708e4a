#include "job_files.hpp"

#include <potoo/blocking.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace potoo::slurm {
namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10;
/// Of a longer file only the beginning and the end are passed on.
constexpr std::uint64_t longest_file = std::uint64_t{64} << 20;
constexpr std::uint64_t end_of_longer = std::uint64_t{2} << 20;
/// A shared file system may show a new file late.
constexpr int tries = 6;
constexpr duration first_delay{50};

class job_file
{
  public:
    explicit job_file(int fd) noexcept : fd_(fd) {}

    job_file(const job_file&) = delete;
    job_file& operator=(const job_file&) = delete;

    ~job_file() { close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }

  private:
    int fd_;
};

struct opened
{
    std::shared_ptr<job_file> file;
    std::uint64_t size = 0;
    int error = 0;
    bool may_come = false; ///< its folder is there
};

opened open_file(const std::string& path)
{
    opened o;
    // A pipe without a writer would block.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        o.error = errno;
        const std::string folder = path.substr(0, path.rfind('/') + 1);
        struct stat s{};
        o.may_come = o.error == ENOENT && ::stat(folder.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
        return o;
    }
    o.file = std::make_shared<job_file>(fd);
    struct stat s{};
    if (::fstat(fd, &s) != 0)
        o.error = errno;
    else if (!S_ISREG(s.st_mode))
        o.error = s.st_mode == 0 ? EINVAL : ENODEV;
    o.size = static_cast<std::uint64_t>(s.st_size);
    return o;
}

struct piece
{
    std::string text;
    int error = 0;
};

piece read_piece(const job_file& file, std::uint64_t at)
{
    piece p;
    p.text.resize(piece_size);
    ssize_t n = 0;
    do
        n = ::pread(file.fd(), p.text.data(), p.text.size(), static_cast<off_t>(at));
    while (n < 0 && errno == EINTR);
    p.error = n < 0 ? errno : 0;
    p.text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return p;
}

std::string zero_padded(std::string text, std::size_t width)
{
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

/// What stands for `%c`; false when it stands for itself.
bool put_in(std::string& out, char c, std::size_t width, const listed_job& j)
{
    const auto number = [&](std::uint64_t n) { out += zero_padded(fmt::format("{}", n), width); };
    switch (c) {
    case '%':
        out += '%';
        return true;
    case 'A':
        number(j.array_id != 0 ? j.array_id : j.id);
        return true;
    case 'a':
        number(j.element == no_element ? UINT32_MAX - 1 : j.element);
        return true;
    case 'j':
        number(j.id);
        return true;
    case 'J':
        number(j.id);
        return true;
    case 'N':
        out += j.batch_host.substr(0, j.batch_host.find('.'));
        return true;
    case 'n':
    case 't':
        number(0);
        return true;
    case 's':
        out += "batch";
        return true;
    case 'u':
        out += j.user;
        return true;
    case 'x':
        out += j.name;
        return true;
    default:
        return false;
    }
}

std::string in_directory(std::string path, const listed_job& j)
{
    if (path.starts_with('/') || j.directory.empty())
        return path;
    return j.directory + (j.directory.ends_with('/') ? "" : "/") + path;
}

} // namespace

std::string expand_path(std::string_view pattern, const listed_job& j)
{
    std::string out;
    // With a backslash nothing is put in.
    if (pattern.find('\\') != std::string_view::npos) {
        for (const char c : pattern) {
            if (c != '\\')
                out += c;
        }
        return in_directory(std::move(out), j);
    }
    constexpr std::size_t widest = 10;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        std::size_t width = 0;
        std::size_t at = i + 1;
        for (; pattern[i] == '%' && at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9'; ++at)
            width = std::min(width * 10 + static_cast<std::size_t>(pattern[at] - '0'), widest);
        if (pattern[i] == '%' && at < pattern.size() && put_in(out, pattern[at], width, j))
            i = at;
        else
            out += pattern[i];
    }
    return in_directory(std::move(out), j);
}

std::string output_path(const listed_job& j)
{
    if (!j.standard_output.empty())
        return expand_path(j.standard_output, j);
    return expand_path(j.array_id != 0 ? "slurm-%A_%a.out" : "slurm-%j.out", j);
}

std::string error_path(const listed_job& j)
{
    return j.standard_error.empty() || j.standard_error == j.standard_output ? std::string()
                                                                             : expand_path(j.standard_error, j);
}

task<> read_job_file(context& ctx, job_log& log, output_stream stream, std::string path)
{
    if (path == "/dev/null")
        co_return;
    opened o;
    duration delay = first_delay;
    for (int n = 0; n < tries; ++n, delay *= 2) {
        const auto open = [path] { return open_file(path); };
        auto got = co_await blocking(open);
        o = std::move(got);
        if (!o.may_come || n + 1 == tries)
            break;
        co_await sleep_for(delay);
    }
    if (o.error != 0) {
        ctx.log(fmt::format("what the job wrote is in the file {}, which cannot be read from the engine's machine: {}",
                            path, std::strerror(o.error)));
        co_return;
    }
    for (std::uint64_t at = 0;;) {
        const auto read = [file = o.file, at] { return read_piece(*file, at); };
        auto got = co_await blocking(read);
        if (got.error != 0)
            ctx.log(fmt::format("the file {} cannot be read: {}", path, std::strerror(got.error)));
        if (got.text.empty())
            co_return;
        log.add(stream, got.text);
        at += got.text.size();
        if (at >= longest_file && at < o.size - std::min(o.size, end_of_longer)) {
            ctx.log(fmt::format("{} is {} bytes long: what comes next here is its end", path, o.size));
            at = o.size - end_of_longer;
        }
    }
}

} // namespace potoo::slurm
