#pragma once
/// @file
/// The runs of ad-hoc tasks as a server carries them.

#include "engine/host/host.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/tasks/task_runs.hpp"

namespace potoo::server {

class carried_task_runs final : public task_runs
{
  public:
    /// All of them outlive it. @param journal for the loop's thread
    carried_task_runs(host::engine_host& engine, run_carrier& carrier, journal::reader& journal)
        : engine_(engine), carrier_(carrier), journal_(journal)
    {}

    [[nodiscard]] run_id make_id() override { return engine_.make_id(); }

    [[nodiscard]] task<> start(task_run wish) override;
    [[nodiscard]] task<host::request_result> cancel(run_id id) override;
    [[nodiscard]] std::optional<journal::run_row> find(const run_id& id) override;

    [[nodiscard]] std::vector<run_id> ending() override { return carrier_.ending(); }

    [[nodiscard]] result result_of(const run_id& id) override;

  private:
    host::engine_host& engine_;
    run_carrier& carrier_;
    journal::reader& journal_;
};

} // namespace potoo::server
