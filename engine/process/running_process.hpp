#pragma once
/// @file
/// One child and what connects the engine to it.

#include "engine/process/descriptor.hpp"
#include "engine/process/guardian.hpp"

#include <potoo/loop.hpp>
#include <potoo/process.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

namespace potoo::process {

/// What the processes of one runner share. Lives as long as the last of them.
struct process_host
{
    guardian keeper;
    /// Between a read and the sink nothing else runs, so one buffer does for all.
    std::array<char, std::size_t{64} << 10> buffer;
};

using stream = boost::asio::posix::basic_stream_descriptor<loop::executor_type>;

enum class child_step : std::uint32_t;

/// How a read without waiting went.
enum class read_outcome : std::uint8_t
{
    delivered,
    nothing_yet,
    ended,
};

/// A child from its start until it is reaped. If it is destroyed earlier, the whole group is killed.
class running_process
{
  public:
    /// Starts it. @throws failure
    running_process(std::shared_ptr<process_host> host, potoo::loop& l, process_spec spec);

    running_process(const running_process&) = delete;
    running_process& operator=(const running_process&) = delete;
    ~running_process();

    /// Becomes readable when the leader has ended. Readiness may also be reported by mistake: ask `has_ended`.
    [[nodiscard]] stream& end() noexcept { return end_; }

    [[nodiscard]] stream& input() noexcept { return input_; }

    [[nodiscard]] stream& output(output_stream s) noexcept
    {
        return s == output_stream::standard_output ? output_ : error_;
    }

    /// The leader has ended, and waits to be reaped. @throws failure when its end was taken by other code of this
    /// program
    [[nodiscard]] bool has_ended() const;

    /// Reads once and hands what came to `sink`. @throws failure
    [[nodiscard]] read_outcome read(output_stream s, const output_sink& sink);

    /// Hands over what waits in the pipes, at most 1 MiB of each: a writer outside of the group might never stop.
    void drain(const output_sink& sink);

    /// Writes once, without waiting. @return true when nothing is left to write, or nobody will read it. @throws
    /// failure
    [[nodiscard]] bool write_input();

    void close_input() noexcept;

    /// To everything in the group. Until the leader is reaped the group's number belongs to nobody else.
    void signal_group(int signal) const noexcept;

    /// Once, after `has_ended`.
    [[nodiscard]] process_end reap();

  private:
    void start(const process_spec& spec);
    [[noreturn]] void give_up(const process_spec& spec, const std::string& path, child_step step, int error);
    [[nodiscard]] bool reap_within_moments() noexcept;

    std::shared_ptr<process_host> host_;
    std::string name_;
    std::string unwritten_;
    std::size_t written_ = 0;
    pid_t pid_ = -1; ///< -1 once it was reaped
    stream end_;
    stream input_;
    stream output_;
    stream error_;
};

} // namespace potoo::process
