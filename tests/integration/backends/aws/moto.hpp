#pragma once
// moto, which stands in for AWS and runs the jobs of Batch as containers of a real dockerd.

#include "tests/integration/backends/service.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::test {

/// What the environment says of it.
[[nodiscard]] std::string moto_url();
[[nodiscard]] std::string moto_queue();
[[nodiscard]] std::string moto_definition();

/// Asks moto from the side; it does not look at signatures.
class moto_client
{
  public:
    /// Operation of Batch, as in `describejobs`.
    json::value batch(const char* operation, const json::object& body);

    /// The jobs of the queue whose names are such, children of arrays too.
    std::vector<json::value> jobs_named(const std::string& name_or_prefix);

    /// One job, whole.
    json::value job(const std::string& id);

    void create_bucket(const std::string& bucket);
    void put_object(const std::string& bucket, const std::string& key, const std::string& body);

  private:
    side_client side_;
};

/// The environment of a process that uses moto at that address; what was before comes back.
class aws_environment
{
  public:
    explicit aws_environment(const std::string& url);
    ~aws_environment();

    aws_environment(const aws_environment&) = delete;
    aws_environment& operator=(const aws_environment&) = delete;

    void set(const char* name, const char* value);

  private:
    std::vector<std::pair<std::string, std::string>> before_;
    std::vector<std::string> unset_before_;
};

} // namespace potoo::test
