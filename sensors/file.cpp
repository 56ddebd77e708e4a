#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <fmt/format.h>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace {

using namespace potoo;
namespace asio = boost::asio;
using descriptor = asio::posix::basic_stream_descriptor<loop::executor_type>;

// A directory in which something happens all the time is not looked at more often.
constexpr duration least_interval{20};

duration grown(duration d, double factor)
{
    return duration(static_cast<duration::rep>(static_cast<double>(d.count()) * factor));
}

struct wanted_file
{
    std::string path;
    bool exists = true;
    std::uint64_t min_size = 0;
};

/// @return nothing when it is not as wanted
std::optional<json::value> examine(const wanted_file& f)
{
    struct stat s{};
    if (::stat(f.path.c_str(), &s) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            throw failure(fmt::format("{}: {}", f.path, std::strerror(errno)), "not_readable");
        if (f.exists)
            return std::nullopt;
        return json::object{{"path", f.path}, {"exists", false}};
    }
    if (!f.exists)
        return std::nullopt;
    if (f.min_size > 0 && (!S_ISREG(s.st_mode) || static_cast<std::uint64_t>(s.st_size) < f.min_size))
        return std::nullopt;
    return json::object{{"path", f.path}, {"exists", true}, {"size", static_cast<std::uint64_t>(s.st_size)}};
}

std::string directory_of(const std::string& path)
{
    const auto slash = path.find_last_of('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// @return a closed descriptor when the directory cannot be watched: it is not there, or there are no watches left
descriptor watch_directory(context& ctx, const std::string& directory)
{
    descriptor d(ctx.loop().executor());
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return d;
    constexpr std::uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY |
                                     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    if (::inotify_add_watch(fd, directory.c_str(), events) < 0) {
        ::close(fd);
        return d;
    }
    d.assign(fd);
    return d;
}

task<> wait_for_event(descriptor& d)
{
    auto ready = co_await d.async_wait(descriptor::wait_read, use_task);
    // Not to be watched after all: the pause beside it goes on.
    if (!ready)
        co_await sleep_until(steady_time::max());
}

task<> pause(duration d)
{
    co_await sleep_for(d);
}

/// @return true when something happened in the directory before `at_most` had passed
task<bool> wait_for_change(const wanted_file& f, descriptor& d, duration at_most)
{
    if (!d.is_open()) {
        co_await pause(at_most);
        co_return false;
    }
    // It may have come between the last look and the beginning of the watch.
    if (examine(f))
        co_return true;
    auto first = co_await any(wait_for_event(d), pause(at_most));
    co_return first.index() == 0;
}

wanted_file read_wanted(const json::object& with)
{
    wanted_file f;
    f.path = std::string(with.at("path").as_string());
    if (f.path.find('\0') != std::string::npos)
        throw fatal("`path` holds a zero byte");
    if (const json::value* exists = with.if_contains("exists"))
        f.exists = exists->as_bool();
    if (const json::value* size = with.if_contains("min_size"))
        f.min_size = size->to_number<std::uint64_t>();
    if (!f.exists && f.min_size > 0)
        throw fatal("`min_size` has no meaning with `exists: false`");
    return f;
}

/// Looks when something happens in the directory, and at the sensor's pace, which finds what inotify does not see:
/// changes from other machines, and a directory that is not there yet.
task<std::optional<json::value>> look(context& ctx, const wanted_file& f, sensor_pace pace)
{
    duration interval = std::max(pace.interval, least_interval);
    for (;;) {
        if (auto found = examine(f))
            co_return found;
        descriptor d = watch_directory(ctx, directory_of(f.path));
        auto changed = co_await wait_for_change(f, d, interval);
        if (changed)
            co_await pause(least_interval);
        else
            interval = std::max(interval, std::min(pace.max_interval, grown(interval, pace.backoff)));
    }
}

task<json::value> run_file_sensor(context& ctx)
{
    const wanted_file f = read_wanted(ctx.input());
    const sensor_pace pace = read_sensor_pace(ctx.input());
    const auto once = [&] { return look(ctx, f, pace); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("file_sensor", run_file_sensor,
               {.summary = "Waits until a file or directory is there, or is gone.",
                .schema = R"({
      "type": "object", "required": ["path"], "additionalProperties": false,
      "properties": {
        "path": {"type": "string", "minLength": 1, "description": "File or directory"},
        "exists": {"type": "boolean", "description": "false waits until it is gone. Default true."},
        "min_size": {"type": "integer", "minimum": 0, "description": "Bytes that the file must have. Default 0."},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(samples_arrived:
  operator: file_sensor
  with: {path: /data/incoming/samples.csv, min_size: 1, timeout: 12h}
)",
                .sensor = true})
