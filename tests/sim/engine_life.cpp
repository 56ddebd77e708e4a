#include "engine_life.hpp"

#include "engine/graph/load.hpp"

#include <potoo/execution.hpp>

#include <functional>
#include <utility>

namespace potoo::sim {

engine_life::engine_life(world& w, std::uint64_t entropy)
    : world_(w), loop_(context_, w.events.now(), w.wall_now()), http_(w.net), entropy_(entropy),
      host_({loop_, w.store, w.store, http_, processes_, entropy_, journal::writer_mode::manual, std::ref(entropy_)})
{}

engine_life::~engine_life()
{
    world_.store.cut();
}

bool engine_life::step()
{
    return loop_.step();
}

void engine_life::catch_up()
{
    loop_.advance_to(world_.events.now());
}

/// One run, from when the engine is given it until it lets go of it.
class engine_life::session final : public execution
{
  public:
    session(engine_life& owner, const std::string& dag, task<host::run_outcome> t)
        : execution(owner.loop_, owner.loop_.intern(dag)), owner_(owner), dag_(dag), task_(std::move(t))
    {}

    void start() { task_access<host::run_outcome>::start(task_, *this); }

  private:
    void on_end() noexcept override
    {
        --owner_.busy_;
        try {
            (void)task_access<host::run_outcome>::result(task_).take();
        } catch (const std::exception& e) {
            owner_.world_.check.report("runs_go_on", dag_ + ": " + e.what());
        } catch (const cancelled&) {
            owner_.world_.log.note("== {} is let go", dag_);
        }
    }

    engine_life& owner_;
    std::string dag_;
    task<host::run_outcome> task_;
};

void engine_life::carry(const std::string& dag, task<host::run_outcome> t)
{
    carried_.insert(dag);
    ++busy_;
    sessions_.push_back(std::make_unique<session>(*this, dag, std::move(t)));
    sessions_.back()->start();
}

void engine_life::stop()
{
    for (const auto& s : sessions_)
        s->cancel(cancel_reason::shutdown);
    host_.detach_all();
}

void engine_life::start(const dag_plan& d)
{
    graph::load_result loaded = graph::load_dag(d.source, d.name + ".json", operators());
    if (!loaded.value)
        throw std::logic_error(graph::format_diagnostics(loaded) + d.source);
    carry(d.name, host_.run(loaded.value, {}, quiet_));
}

void engine_life::resume_all()
{
    for (const journal::run_row& row : host_.unfinished())
        carry(row.dag_name, host_.resume(row, quiet_));
    for (const journal::run_row& row : host_.unreconciled())
        carry(row.dag_name, host_.resume(row, quiet_));
}

void engine_life::resume(const journal::run_row& row)
{
    carry(row.dag_name, host_.resume(row, quiet_));
}

} // namespace potoo::sim
