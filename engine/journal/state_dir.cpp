#include "engine/journal/state_dir.hpp"

#include "engine/journal/store_error.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace potoo::journal {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& what, std::string_view action, int error)
{
    const auto reason = std::system_category().message(error);
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        throw store_error(store_error_kind::full, fmt::format("cannot {} '{}': {}; free some space and try again",
                                                              action, what.string(), reason));
    case EACCES:
    case EPERM:
    case EROFS:
        throw store_error(store_error_kind::read_only,
                          fmt::format("cannot {} '{}': {}; make it writable for this user, or choose another place "
                                      "with --state",
                                      action, what.string(), reason));
    default:
        throw store_error(store_error_kind::io, fmt::format("cannot {} '{}': {}; choose another place with --state",
                                                            action, what.string(), reason));
    }
}

void make_state_directory(const std::filesystem::path& directory)
{
    std::error_code error;
    const auto parent = directory.parent_path();
    if (!parent.empty())
        std::filesystem::create_directories(parent, error);
    if (error)
        refuse(parent, "create the directory", error.value());
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        refuse(directory, "create the state directory", errno);
    if (!std::filesystem::is_directory(directory, error))
        refuse(directory, "use as state directory", ENOTDIR);
}

std::string read_holder(int descriptor)
{
    std::string text(512, '\0');
    const auto count = ::pread(descriptor, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text.empty() ? "a process that has not said its name yet" : text;
}

void write_holder(int descriptor, const std::filesystem::path& path)
{
    std::string host(256, '\0');
    ::gethostname(host.data(), host.size() - 1);
    host.resize(host.find('\0'));
    const auto text = fmt::format("process {} on {} since {:%Y-%m-%dT%H:%M:%SZ}\n", ::getpid(), host,
                                  fmt::gmtime(std::time(nullptr)));
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, text.data(), text.size(), 0) < 0)
        refuse(path, "write", errno);
}

/// Takes the lock on an open file if it is free.
bool try_lock(int descriptor)
{
    int result = -1;
    do
        result = ::flock(descriptor, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

} // namespace

state_lock state_lock::acquire(const state_layout& layout)
{
    make_state_directory(layout.directory());
    const auto path = layout.lock();
    state_lock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock.descriptor_ < 0)
        refuse(path, "open", errno);
    if (!try_lock(lock.descriptor_)) {
        if (errno != EWOULDBLOCK)
            refuse(path, "lock", errno);
        throw store_error(
            store_error_kind::locked,
            fmt::format("the state directory '{}' is in use by {}; wait for it to end or stop it, or give "
                        "this engine a directory of its own with --state",
                        layout.directory().string(), read_holder(lock.descriptor_)));
    }
    write_holder(lock.descriptor_, path);
    return lock;
}

bool state_lock::is_held(const state_layout& layout)
{
    const state_lock probe(::open(layout.lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return probe.descriptor_ >= 0 && ::flock(probe.descriptor_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

state_lock::state_lock(state_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

state_lock& state_lock::operator=(state_lock&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

state_lock::~state_lock()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

} // namespace potoo::journal
