#pragma once
/// @file
/// Names what blocks the loop. A thread looks ten times a second whether the same turn is still running as a moment
/// ago; a loop that waits costs it two loads.

#include <potoo/loop.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace potoo::runtime {

class watchdog
{
  public:
    /// A turn that lasts longer is reported once.
    static constexpr std::chrono::milliseconds limit{100};

    /// @param report called on the watchdog's thread with the name of what runs, while it still runs
    watchdog(const potoo::loop& l, std::function<void(const std::string& name)> report);
    ~watchdog();

    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;

  private:
    void watch();
    [[nodiscard]] std::string running_now() const;

    const potoo::loop& loop_;
    std::function<void(const std::string&)> report_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace potoo::runtime
