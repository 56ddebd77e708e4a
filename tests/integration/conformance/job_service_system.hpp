#pragma once
/// @file
/// The example job service, a process of its own, as a remote system. Whose operator launches the jobs says the
/// derived class.

#include "tests/integration/conformance/remote_system.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace potoo::conformance {

class job_service_system : public remote_system
{
  public:
    explicit job_service_system(launch_guarantee g);

    [[nodiscard]] json::object params() const override { return {{"service", service_.url()}}; }

    [[nodiscard]] launch_guarantee guarantee() const noexcept override { return guarantee_; }

    [[nodiscard]] std::vector<remote_job> jobs() override;
    bool occupy() override;
    bool misbehave(misbehaviour m) override;
    bool forget(const remote_job& j) override;

  protected:
    /// A job's command, in YAML.
    [[nodiscard]] static std::string_view command_of(job_kind kind);

  private:
    launch_guarantee guarantee_;
    test::running_service service_;
    test::service_connection side_;
};

} // namespace potoo::conformance
