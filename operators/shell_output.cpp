#include "shell_output.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace potoo::shell {

namespace {

bool is_blank(std::string_view line)
{
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string_view without_line_end(std::string_view line)
{
    while (line.ends_with('\r') || line.ends_with('\n'))
        line.remove_suffix(1);
    return line;
}

[[noreturn]] void fail_with_errno(std::string_view what, const std::string& path)
{
    throw failure(fmt::format("{} {}: {}", what, path, std::system_category().message(errno)), "output");
}

struct closing
{
    int fd;

    ~closing() { ::close(fd); }
};

std::string read_all(int fd, const std::string& path)
{
    std::string content(output_limit + 1, '\0');
    std::size_t size = 0;
    while (size < content.size()) {
        const ssize_t n = ::read(fd, content.data() + size, content.size() - size);
        if (n == 0)
            break;
        if (n > 0)
            size += static_cast<std::size_t>(n);
        else if (errno != EINTR)
            fail_with_errno("cannot read the output file", path);
    }
    content.resize(size);
    return content;
}

} // namespace

void last_line::append(line& to, std::string_view piece) const
{
    const std::size_t room = limit_ - to.text.size();
    to.text.append(piece.substr(0, room));
    to.cut = to.cut || piece.size() > room;
}

void last_line::add(std::string_view piece)
{
    const std::size_t end = piece.rfind('\n');
    if (end == std::string_view::npos) {
        append(current_, piece);
        return;
    }
    std::string_view whole = piece.substr(0, end);
    while (true) {
        const std::size_t begin = whole.rfind('\n');
        if (begin == std::string_view::npos) {
            append(current_, whole);
            if (!is_blank(current_.text))
                std::swap(last_, current_);
            break;
        }
        if (const std::string_view one = whole.substr(begin + 1); !is_blank(one)) {
            last_ = {};
            append(last_, one);
            break;
        }
        whole = whole.substr(0, begin);
    }
    current_.text.clear();
    current_.cut = false;
    append(current_, piece.substr(end + 1));
}

std::string_view last_line::text() const
{
    return without_line_end(is_blank(current_.text) ? last_.text : current_.text);
}

bool last_line::cut() const
{
    return is_blank(current_.text) ? last_.cut : current_.cut;
}

output_file::output_file()
{
    const char* directory = std::getenv("TMPDIR");
    path_ = fmt::format("{}/potoo-output-XXXXXX", directory && *directory ? directory : "/tmp");
    const int fd = ::mkostemp(path_.data(), O_CLOEXEC);
    if (fd < 0)
        fail_with_errno("cannot make the output file", path_);
    ::close(fd);
}

output_file::~output_file()
{
    ::unlink(path_.c_str());
}

std::optional<std::string> output_file::read() const
{
    // Not blocking: the command may have put anything in its place.
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return std::nullopt;
    if (fd < 0)
        fail_with_errno("cannot open the output file", path_);
    const closing guard{fd};
    struct stat info{};
    if (::fstat(fd, &info) != 0)
        fail_with_errno("cannot read the output file", path_);
    if (!S_ISREG(info.st_mode))
        throw failure("$POTOO_OUTPUT is not a file any more", "output");
    std::string content = read_all(fd, path_);
    if (content.size() > output_limit)
        throw failure(
            "the file $POTOO_OUTPUT is larger than 1 MiB, the limit of a task's output: put the data elsewhere and "
            "its place into the output",
            "output");
    if (content.find_first_not_of(" \t\r\n") == std::string::npos)
        return std::nullopt;
    return content;
}

json::value parse_output_file(std::string_view content)
{
    json::stream_parser parser;
    boost::system::error_code ec;
    const std::size_t consumed = parser.write_some(content.data(), content.size(), ec);
    std::size_t at = consumed;
    if (!ec) {
        // Only blanks may follow.
        at = std::min(content.find_first_not_of(" \t\r\n", consumed), content.size());
        if (at < content.size())
            ec = json::error::extra_data;
        else
            parser.finish(ec);
    }
    if (!ec)
        return parser.release();
    const std::string_view before = content.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_begin = before.rfind('\n') + 1;
    throw failure(fmt::format("the file $POTOO_OUTPUT is not JSON: {} at line {}, column {}", ec.message(), line,
                              at - line_begin + 1),
                  "output");
}

std::optional<json::value> try_parse(std::string_view text)
{
    boost::system::error_code ec;
    json::value v = json::parse(json::string_view(text.data(), text.size()), ec);
    if (ec)
        return std::nullopt;
    return v;
}

} // namespace potoo::shell
