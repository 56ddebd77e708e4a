#include "engine/server/dags/folder_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace potoo::server {

namespace fs = std::filesystem;

namespace {

constexpr int deepest = 16;
constexpr std::array<std::string_view, 3> suffixes{".yaml", ".yml", ".json"};
constexpr std::string_view generator_mark = ".generator";

std::string message_of(int error)
{
    return std::generic_category().message(error);
}

std::int64_t nanoseconds(const timespec& t)
{
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

file_stamp stamp_of(const struct stat& s)
{
    return {s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size), nanoseconds(s.st_mtim), nanoseconds(s.st_ctim)};
}

std::string_view without_suffix(std::string_view name)
{
    for (const auto suffix : suffixes)
        if (name.size() > suffix.size() && name.ends_with(suffix))
            return name.substr(0, name.size() - suffix.size());
    return {};
}

class walk
{
  public:
    walk(const fs::path& root, std::size_t max_files) : root_(root), max_files_(max_files) {}

    folder_view take()
    {
        enter(root_, 0);
        std::sort(view_.files.begin(), view_.files.end(),
                  [](const file_seen& a, const file_seen& b) { return a.name < b.name; });
        return std::move(view_);
    }

  private:
    void enter(const fs::path& folder, int depth)
    {
        std::error_code ec;
        fs::directory_iterator entries(folder, ec);
        if (ec) {
            // One that has gone since it was listed is no problem; the root is.
            if (depth == 0 || ec != std::errc::no_such_file_or_directory)
                note(folder, fmt::format("{} cannot be read: {}", folder.string(), ec.message()));
            return;
        }
        view_.folders.push_back(folder);
        for (; entries != fs::directory_iterator(); entries.increment(ec)) {
            if (ec)
                return note(folder, fmt::format("{} cannot be read: {}", folder.string(), ec.message()));
            look_at(*entries, depth);
        }
    }

    void look_at(const fs::directory_entry& entry, int depth)
    {
        const auto name = entry.path().filename().string();
        if (name.starts_with('.'))
            return;
        std::error_code ec;
        if (entry.symlink_status(ec).type() == fs::file_type::directory) {
            if (depth < deepest)
                enter(entry.path(), depth + 1);
            else
                note(entry.path(), fmt::format("{} is nested too deeply", entry.path().string()));
            return;
        }
        struct stat s{};
        if (!is_dag_file_name(name) || ::stat(entry.path().c_str(), &s) != 0 || !S_ISREG(s.st_mode))
            return;
        if (view_.files.size() < max_files_)
            view_.files.push_back({entry.path().lexically_relative(root_).string(), stamp_of(s)});
        else
            note(root_, fmt::format("there are more than {} DAG files", max_files_));
    }

    void note(const fs::path& folder, std::string problem)
    {
        view_.unseen.push_back(folder == root_ ? "" : folder.lexically_relative(root_).string() + '/');
        if (view_.problem.empty())
            view_.problem = std::move(problem);
    }

    fs::path root_;
    std::size_t max_files_;
    folder_view view_;
};

class opened_file
{
  public:
    // Without waiting: what was a file a moment ago may be a pipe by now.
    explicit opened_file(const fs::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}

    opened_file(const opened_file&) = delete;
    opened_file& operator=(const opened_file&) = delete;

    ~opened_file()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }

    [[nodiscard]] int get() const noexcept { return fd_; }

  private:
    int fd_;
};

/// @return `errno`
int read_to_end(int fd, std::string& text, std::size_t max_size)
{
    std::array<char, std::size_t{64} << 10> buffer;
    for (;;) {
        const auto n = ::read(fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return 0;
        text.append(buffer.data(), static_cast<std::size_t>(n));
        if (text.size() > max_size)
            return EFBIG;
    }
}

} // namespace

bool is_gone(const folder_view& view, std::string_view name)
{
    const bool there = std::binary_search(view.files.begin(), view.files.end(), file_seen{std::string(name), {}},
                                          [](const file_seen& a, const file_seen& b) { return a.name < b.name; });
    return !there && std::none_of(view.unseen.begin(), view.unseen.end(),
                                  [name](const std::string& prefix) { return name.starts_with(prefix); });
}

bool is_dag_file_name(std::string_view name)
{
    return !name.starts_with('.') && !name.starts_with('#') && !name.ends_with('~') && !without_suffix(name).empty();
}

bool is_generator_name(std::string_view name)
{
    const auto stem = without_suffix(name);
    return stem.size() > generator_mark.size() && stem.ends_with(generator_mark) &&
           stem[stem.size() - generator_mark.size() - 1] != '/';
}

std::string stem_of(std::string_view name)
{
    auto stem = without_suffix(name.substr(name.find_last_of('/') + 1));
    if (is_generator_name(name))
        stem.remove_suffix(generator_mark.size());
    return std::string(stem);
}

folder_view look_through(const fs::path& folder, std::size_t max_files)
{
    return walk(folder, max_files).take();
}

file_read read_dag_file(const fs::path& folder, const std::string& name, std::size_t max_size)
{
    file_read out;
    out.name = name;
    const opened_file file(folder / name);
    struct stat before{};
    if (file.get() < 0 || ::fstat(file.get(), &before) != 0) {
        out.problem = fmt::format("the file cannot be read: {}", message_of(errno));
        return out;
    }
    out.stamp = stamp_of(before);
    if (!S_ISREG(before.st_mode)) {
        out.problem = "this is not a file";
        return out;
    }
    if (const int error = read_to_end(file.get(), out.text, max_size); error != 0)
        out.problem = error == EFBIG ? fmt::format("the file is too long: at most {} bytes are read", max_size)
                                     : fmt::format("the file cannot be read: {}", message_of(error));
    struct stat after{};
    out.changing = ::fstat(file.get(), &after) != 0 || !(stamp_of(after) == out.stamp);
    return out;
}

} // namespace potoo::server
