#pragma once
/// @file
/// Tells when something in a set of folders may have changed: by inotify where the system can, else by the clock alone.
/// It says that something happened, not what: whoever asks looks for himself.

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

struct inotify_event;

namespace potoo::server {

class folder_watch
{
  public:
    /// Asks the system, unless `folder` is on a network file system, where others' changes go unnoticed.
    folder_watch(potoo::loop& l, const std::filesystem::path& folder, bool ask_system);
    ~folder_watch();

    folder_watch(const folder_watch&) = delete;
    folder_watch& operator=(const folder_watch&) = delete;

    /// From now on watches these and no others.
    /// @return whether some of them were not watched before: what happened in those meanwhile went unnoticed
    bool follow(const std::vector<std::filesystem::path>& folders);

    /// Returns when something may have changed since it last did, or at `until`.
    [[nodiscard]] task<> changed(steady_time until);

    /// Somebody has written to the file and not closed it yet; for ten seconds after the last write.
    [[nodiscard]] bool being_written(const std::filesystem::path& file) const;

    /// Why the system does not tell; empty when it does.
    [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

  private:
    using stream = boost::asio::posix::basic_stream_descriptor<loop::executor_type>;

    [[nodiscard]] std::string open(const std::filesystem::path& folder);
    [[nodiscard]] task<> readable();
    [[nodiscard]] bool drain();
    [[nodiscard]] bool heed(const inotify_event& event);
    void give_up(std::string why);

    potoo::loop& loop_;
    std::string why_not_;
    std::optional<stream> events_;
    std::map<int, std::filesystem::path> folders_; ///< by watch descriptor
    std::map<std::filesystem::path, steady_time> written_;
};

} // namespace potoo::server
