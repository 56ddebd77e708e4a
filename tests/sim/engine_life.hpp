#pragma once
// One engine from its start to its death.

#include "world.hpp"

#include "engine/host/host.hpp"
#include "engine/loop/virtual_loop.hpp"

#include <potoo/process.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace potoo::sim {

struct no_processes final : process_runner
{
    task<process_end> run(process_spec, output_sink) override { throw fatal("there are no processes here"); }
};

class engine_life
{
  public:
    engine_life(world& w, std::uint64_t entropy);

    /// As in a crash: nothing of it is written any more.
    ~engine_life();

    engine_life(const engine_life&) = delete;
    engine_life& operator=(const engine_life&) = delete;

    /// Runs one handler that is due now. @return false when there is none
    bool step();

    /// The engine notices that time has passed.
    void catch_up();

    [[nodiscard]] steady_time next_due() const noexcept { return loop_.next_due(); }

    [[nodiscard]] host::engine_host& host() noexcept { return host_; }

    void start(const dag_plan& d);

    /// Goes on with everything that the journal says is to be gone on with.
    void resume_all();

    /// Goes on with a run that has been reopened.
    void resume(const journal::run_row& row);

    /// As a SIGTERM does.
    void stop();

    [[nodiscard]] bool knows(const std::string& dag) const { return carried_.contains(dag); }

    /// Runs that it carries and that have not come back.
    [[nodiscard]] std::size_t busy() const noexcept { return busy_; }

    void jump_wall(duration by) { loop_.jump_wall(by); }

  private:
    class session;

    void carry(const std::string& dag, task<host::run_outcome> t);

    world& world_;
    boost::asio::io_context context_{1};
    virtual_loop loop_;
    network::client http_;
    no_processes processes_;
    std::mt19937_64 entropy_;
    runtime::run_observer quiet_;
    std::set<std::string> carried_;
    std::size_t busy_ = 0;
    host::engine_host host_;
    std::vector<std::unique_ptr<session>> sessions_;
};

} // namespace potoo::sim
