#pragma once
/// @file
/// AWS Batch as all attempts of one account share it: its two services, how fast they may be asked, who asks about
/// jobs, and where items gather for an array job.

#include "job_watch.hpp"

#include <potoo/array_launch.hpp>
#include <potoo/aws.hpp>
#include <potoo/context.hpp>
#include <potoo/request_gate.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::aws_batch {

/// What a connection says.
struct connection_settings
{
    aws::settings who;
    std::string logs_endpoint_url;
    request_gate::limits requests{.concurrency = 64, .per_second = 50};
    watcher::limits polls{.page = 100, .concurrency = 8, .per_second = 10};
    double logs_per_second = 10;
    std::size_t array_size = 10'000; ///< items of one array job

    /// Without a secret.
    [[nodiscard]] std::string key(const aws::account& a) const;
};

/// Jobs that were launched together: the child `index` is item `first + index`.
struct launched_array
{
    std::string id;
    std::size_t first = 0;
    std::size_t size = 0; ///< 1: no array, a plain job

    [[nodiscard]] bool holds(std::size_t item) const noexcept { return item >= first && item < first + size; }

    [[nodiscard]] job_id child(std::size_t item) const
    {
        return size == 1 ? job_id(id) : job_id(id + ":" + std::to_string(item - first));
    }
};

class batch_service
{
  public:
    batch_service(potoo::loop& l, aws::account& a, const connection_settings& c);

    aws::account& account;
    aws::service batch;
    aws::service logs;
    request_gate gate;
    request_gate log_gate;
    array_launch arrays;

    /// What ListJobs said of a group's arrays, good for all that had asked before it was sent.
    struct group_listing
    {
        steady_time begun = steady_time::min();
        std::vector<launched_array> arrays;
    };

    std::map<std::string, group_listing> groups; ///< by group token
    semaphore listing_groups{1};

    job_watcher asker; ///< goes first, as its calls use the others
};

/// The one that the task's connection, or the environment, means.
/// @throws fatal when the connection is wrong
[[nodiscard]] batch_service& service_for(context& ctx);

} // namespace potoo::aws_batch
