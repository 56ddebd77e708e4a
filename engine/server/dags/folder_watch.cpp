#include "engine/server/dags/folder_watch.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace potoo::server {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds unfinished_for{10};
constexpr std::uint32_t interesting = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |
                                      IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

bool is_on_network(const fs::path& folder)
{
    // NFS, SMB, CIFS, SMB2, FUSE, 9P, Ceph, AFS, Coda: as in linux/magic.h.
    constexpr std::array<std::uint32_t, 9> remote{0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x65735546,
                                                  0x01021997, 0x00C36400, 0x5346414F, 0x73757245};
    struct statfs s{};
    return ::statfs(folder.c_str(), &s) == 0 &&
           std::find(remote.begin(), remote.end(), static_cast<std::uint32_t>(s.f_type)) != remote.end();
}

task<> sleep_to(steady_time until)
{
    co_await sleep_until(until);
}

} // namespace

folder_watch::folder_watch(potoo::loop& l, const fs::path& folder, bool ask_system) : loop_(l)
{
    why_not_ = ask_system ? open(folder) : "it was told not to ask the system";
}

/// @return why the system cannot be asked
std::string folder_watch::open(const fs::path& folder)
{
    if (is_on_network(folder))
        return "the folder is on a network file system";
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return fmt::format("inotify cannot be used: {}", std::generic_category().message(errno));
    events_.emplace(loop_.executor(), fd);
    return {};
}

folder_watch::~folder_watch() = default;

void folder_watch::give_up(std::string why)
{
    why_not_ = std::move(why);
    events_.reset();
    folders_.clear();
    written_.clear();
}

bool folder_watch::follow(const std::vector<fs::path>& folders)
{
    if (!events_)
        return false;
    std::map<int, fs::path> followed;
    bool more = false;
    for (const auto& folder : folders) {
        const int id = ::inotify_add_watch(events_->native_handle(), folder.c_str(), interesting);
        if (id < 0 && (errno == ENOSPC || errno == ENOMEM)) {
            give_up("there are more folders than inotify may watch (fs.inotify.max_user_watches)");
            return false;
        }
        if (id < 0)
            continue; // gone again, or not ours to watch: looking from time to time must do
        more = more || !folders_.contains(id);
        followed[id] = folder;
    }
    for (const auto& [id, folder] : folders_)
        if (!followed.contains(id))
            ::inotify_rm_watch(events_->native_handle(), id);
    folders_ = std::move(followed);
    return more;
}

task<> folder_watch::readable()
{
    auto ready = co_await events_->async_wait(stream::wait_read, use_task);
    if (ready.has_error())
        give_up("inotify failed: " + ready.error().message());
}

task<> folder_watch::changed(steady_time until)
{
    for (;;) {
        if (!events_) {
            co_await sleep_until(until);
            co_return;
        }
        if (drain() || loop_.now() >= until)
            co_return;
        auto clock = sleep_to(until);
        auto system = readable();
        co_await any(std::move(clock), std::move(system));
    }
}

bool folder_watch::drain()
{
    alignas(inotify_event) std::array<char, std::size_t{16} << 10> buffer;
    bool any = false;
    while (events_) {
        const auto size = ::read(events_->native_handle(), buffer.data(), buffer.size());
        if (size <= 0)
            break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
            if (heed(event))
                any = true;
            at += sizeof(inotify_event) + event.len;
        }
    }
    return any;
}

bool folder_watch::heed(const inotify_event& event)
{
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        written_.clear();
        return true;
    }
    const auto folder = folders_.find(event.wd);
    if (folder == folders_.end())
        return false;
    if (event.len == 0)
        return true;
    const auto file = folder->second / event.name;
    if ((event.mask & IN_MODIFY) != 0) {
        written_[file] = loop_.now();
        return false; // there is more to come: the end of it is told
    }
    if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) != 0)
        written_.erase(file);
    return true;
}

bool folder_watch::being_written(const fs::path& file) const
{
    const auto found = written_.find(file);
    return found != written_.end() && loop_.now() - found->second < unfinished_for;
}

} // namespace potoo::server
