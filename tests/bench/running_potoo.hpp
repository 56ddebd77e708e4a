#pragma once
/// @file
/// `potoo server` in a process of its own, and what it tells of itself.

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace potoo::bench {

/// How late the server woke who waited for a time, by the buckets of its metrics: upper bound in seconds, and how many
/// were not later.
class lateness
{
  public:
    void add_bucket(double bound, double count) { buckets_.emplace_back(bound, count); }

    /// What came since then.
    [[nodiscard]] lateness since(const lateness& before) const;

    /// Upper bound in ms of the bucket in which the quantile is.
    [[nodiscard]] double quantile_ms(double q) const;

    [[nodiscard]] double count() const { return buckets_.empty() ? 0 : buckets_.back().second; }

  private:
    std::vector<std::pair<double, double>> buckets_;
};

/// What the server has counted since it started.
struct server_counts
{
    double cpu_seconds = 0;
    double answered = 0; ///< requests, well
    double deferred = 0; ///< tasks and items that wait now
    double stalls = 0;
    bench::lateness lateness;
};

class running_potoo
{
  public:
    /// Waits until it is ready. `folder` gets its journal and its log, and has its DAGs in `dags`.
    running_potoo(const std::string& program, const std::filesystem::path& folder);
    ~running_potoo();
    running_potoo(const running_potoo&) = delete;
    running_potoo& operator=(const running_potoo&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// The body of a good answer. @throws std::runtime_error with what the server said
    [[nodiscard]] std::string get(const std::string& target) const;

    /// @return id of the run
    [[nodiscard]] std::string trigger(const std::string& dag, const std::string& params = "{}") const;

    [[nodiscard]] server_counts counts() const;

  private:
    void wait_until_ready();

    std::filesystem::path log_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

} // namespace potoo::bench
