#pragma once
/// @file
/// The cluster as it looks from its own side: what runs there, in a folder of the test's own.

#include "tests/integration/backends/service.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::test {

struct needs_slurm : needs_service
{
    needs_slurm() : needs_service("POTOO_TEST_SLURM_URL", "Slurm") {}
};

/// Jobs that have the folder as their working directory are the test's. They are cancelled, and the folder is removed,
/// at the end.
class slurm_side
{
  public:
    slurm_side();
    ~slurm_side();

    slurm_side(const slurm_side&) = delete;
    slurm_side& operator=(const slurm_side&) = delete;

    [[nodiscard]] const std::string& url() const noexcept { return url_; }

    [[nodiscard]] const std::string& user() const noexcept { return user_; }

    [[nodiscard]] const std::string& token() const noexcept { return token_; }

    /// May be written by the jobs' user.
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

    /// Lines of a DAG file. @param url another than the service's own
    [[nodiscard]] std::string connection(std::string_view url) const;

    /// Records of the test's jobs, as the service lists them, in order of their ids.
    [[nodiscard]] std::vector<json::object> jobs();

    /// A job that the engine knows nothing of. @return its id
    std::int64_t submit(std::string_view script, json::object fields = {});

    json::value request(std::string_view method, std::string_view path, const json::value& body = nullptr);

    /// Until `holds(record)` for the job. @throws std::runtime_error when that takes a minute
    template <class Holds>
    json::object wait_for(std::int64_t id, Holds holds)
    {
        for (int i = 0; i < turns; ++i) {
            for (json::object& j : jobs()) {
                if (j.at("job_id") == json::value(id) && holds(j))
                    return std::move(j);
            }
            pause();
        }
        throw_overdue(id);
    }

  private:
    static constexpr int turns = 600;

    static void pause();
    [[noreturn]] static void throw_overdue(std::int64_t id);

    std::string url_ = service_setting("POTOO_TEST_SLURM_URL");
    std::string user_ = service_setting("POTOO_TEST_SLURM_USER");
    std::string token_command_ = service_setting("POTOO_TEST_SLURM_TOKEN_COMMAND");
    std::string token_;
    std::string folder_;
    side_client client_;
};

} // namespace potoo::test
