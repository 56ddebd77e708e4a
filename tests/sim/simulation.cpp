#include "simulation.hpp"

#include "engine_life.hpp"
#include "outside.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace potoo::sim {
namespace {

constexpr std::uint64_t most_actions = 20'000'000;
constexpr duration longest_stop{600'000};
constexpr duration disk_retry{500};

class driver
{
  public:
    driver(const scenario& s, const options& o);

    report run();

  private:
    void plan_ahead();
    void plan_wall_jump();
    void plant(planted_fault f);

    void act();
    void act_or_wait();
    bool dies_here();
    void maybe_stall();
    void wait();

    void start_engine();
    void start_wanted();
    void die();
    void stop_gracefully();
    void end_stop();

    void plan_commit();
    void commit();

    [[nodiscard]] engine_life* reachable_engine() const;
    [[nodiscard]] bool all_ended();

    [[nodiscard]] bool calm() const { return world_.events.elapsed() >= plan_.calm; }

    void go_on_until_all_ended();
    void let_pass_until(steady_time t);
    void wind_up();
    [[nodiscard]] ending read_ending();

    const scenario& plan_;
    options options_;
    world world_;
    random_source crash_random_;
    outside outside_;
    random_source machine_random_;
    random_source order_random_;
    random_source entropy_random_;
    std::unique_ptr<engine_life> life_;
    std::uint64_t lives_ = 0;
    std::uint64_t last_planned_ = std::numeric_limits<std::uint64_t>::max();
    bool commit_planned_ = false;
    bool stopping_ = false;
    steady_time stop_asked_{};
    steady_time restart_at_ = beginning;
    steady_time frozen_until_{};
    report report_;
};

driver::driver(const scenario& s, const options& o)
    : plan_(s), options_(o), world_(s, o.print_trace), crash_random_(s.seed, "crashes"),
      outside_(
          world_, [this] { return reachable_engine(); }, [this] { return life_ != nullptr; }),
      machine_random_(s.seed, "machine"), order_random_(s.seed, "order"), entropy_random_(s.seed, "entropy")
{
    plant(o.planted);
    plan_ahead();
}

void driver::plant(planted_fault f)
{
    switch (f) {
    case planted_fault::none:
        break;
    case planted_fault::late_beyond_promise:
        world_.net.break_settle_promise();
        break;
    case planted_fault::submissions_delivered_twice:
        world_.net.deliver_submissions_twice();
        break;
    case planted_fault::disk_lies:
        world_.store.lie_about_every(5);
        break;
    }
}

void driver::plan_ahead()
{
    for (const run_plan& r : plan_.runs)
        world_.events.at(beginning + r.starts, [this] { start_wanted(); });
    outside_.plan_ahead();
    world_.net.schedule_forgetting();
    plan_wall_jump();
}

void driver::plan_wall_jump()
{
    if (plan_.machine.clock_jump <= 0)
        return;
    world_.events.after(duration(60'000), [this] {
        if (calm())
            return;
        const duration by = machine_random_.between(-plan_.machine.farthest_jump, plan_.machine.farthest_jump);
        if (machine_random_.chance(plan_.machine.clock_jump)) {
            world_.log.note("== the wall clock jumps by {} ms", by.count());
            world_.wall_offset += by;
            if (life_)
                life_->jump_wall(by);
        }
        plan_wall_jump();
    });
}

report driver::run()
{
    go_on_until_all_ended();
    outside_.fall_silent();
    if (!world_.check.broken() && !world_.store.runs({.unreconciled = true}).empty()) {
        // Whatever the next start is there for, it does when all is calm.
        life_.reset();
        let_pass_until(std::max(world_.events.now(), beginning + plan_.calm));
        restart_at_ = world_.events.now();
        start_engine();
        go_on_until_all_ended();
    }
    if (!world_.check.broken())
        wind_up();
    report_.broken = world_.check.broken();
    report_.at = world_.events.elapsed();
    report_.virtual_time = report_.at;
    report_.events = world_.log.last();
    report_.ended = read_ending();
    for (const auto& row : report_.ended)
        world_.log.note("{}", row);
    report_.hash = world_.log.hash();
    const auto& fates = world_.net.fates();
    report_.faults = std::accumulate(fates.begin() + 1, fates.end(), world_.net.deceptions());
    report_.commits = world_.store.commits();
    report_.unconfirmed = world_.check.unconfirmed_seen();
    for (const auto& s : world_.services)
        report_.jobs += s->jobs().size();
    return std::move(report_);
}

void driver::go_on_until_all_ended()
{
    while (!all_ended() && !world_.check.broken()) {
        if (report_.actions > most_actions)
            world_.check.report("makes_progress", "it goes round and round");
        else if (world_.events.elapsed() > plan_.calm + plan_.ends_within)
            world_.check.report("every_run_ends", fmt::format("a run has not ended {} after all faults have stopped",
                                                              format_duration(plan_.ends_within)));
        else
            act();
    }
}

engine_life* driver::reachable_engine() const
{
    return stopping_ || world_.events.now() < frozen_until_ ? nullptr : life_.get();
}

bool driver::all_ended()
{
    if (life_ && (life_->busy() > 0 || stopping_))
        return false;
    return std::all_of(plan_.runs.begin(), plan_.runs.end(),
                       [&](const run_plan& r) { return world_.check.run_ended(r.dag.name); }) &&
           !outside_.wants_more();
}

/// Nothing goes wrong any more; what is on its way arrives.
void driver::wind_up()
{
    life_.reset();
    let_pass_until(std::max(world_.events.now(), beginning + plan_.calm) + settle_time);
    world_.check.final_check();
}

void driver::let_pass_until(steady_time t)
{
    while (world_.events.next() <= t) {
        world_.events.advance_to(world_.events.next());
        world_.events.run_one();
    }
    world_.events.advance_to(t);
}

ending driver::read_ending()
{
    ending result;
    for (const run_plan& r : plan_.runs) {
        const auto number = world_.check.number_of(r.dag.name);
        if (!number)
            continue;
        for (const journal::run_row& row : world_.store.runs({})) {
            if (row.number == *number)
                result.push_back(fmt::format("{}: {}", r.dag.name, to_string(row.state)));
        }
        for (const journal::task_row& t : world_.store.tasks(*number)) {
            std::string counts;
            for (std::size_t i = 0; i < t.counts.size(); ++i) {
                if (t.counts[i] != 0)
                    counts += fmt::format(" {}×{}", t.counts[i], to_string(static_cast<journal::recorded_state>(i)));
            }
            result.push_back(fmt::format("{}.{}: {},{} {}", r.dag.name, t.name, to_string(t.state), counts, t.output));
        }
    }
    return result;
}

void driver::act()
{
    if (!life_ && world_.events.now() >= restart_at_)
        return start_engine();
    if (stopping_ && life_->busy() == 0)
        return end_stop();
    if (stopping_ && world_.events.now() - stop_asked_ > longest_stop)
        return world_.check.report("stops_in_time", "an engine that was asked to stop goes on");
    act_or_wait();
    if (life_)
        plan_commit();
}

void driver::act_or_wait()
{
    const bool frozen = world_.events.now() < frozen_until_;
    const bool event_due = world_.events.next() <= world_.events.now();
    const bool event_first = event_due && (!life_ || frozen || order_random_.chance(0.5));
    if (event_first) {
        ++report_.actions;
        if (life_ && dies_here())
            return;
        world_.events.run_one();
        return;
    }
    if (life_ && !frozen) {
        life_->catch_up();
        if (dies_here())
            return;
        if (life_->step()) {
            ++report_.actions;
            maybe_stall();
            return;
        }
    }
    if (event_due)
        world_.events.run_one();
    else
        wait();
}

bool driver::dies_here()
{
    if (options_.never_crash)
        return false;
    const auto& at = plan_.crash_at;
    const bool planned = std::find(at.begin(), at.end(), report_.actions) != at.end() &&
                         std::exchange(last_planned_, report_.actions) != report_.actions;
    const crash_plan& c = plan_.crashes;
    const bool drawn = crash_random_.chance(c.at_handler) && !calm() &&
                       report_.crashes + report_.stops < static_cast<std::uint64_t>(c.most);
    if (!planned && !drawn)
        return false;
    if (drawn && !stopping_ && crash_random_.chance(c.gracefully)) {
        stop_gracefully();
        return false;
    }
    die();
    return true;
}

/// The process gets no time for a while: what it hears of, it hears late.
void driver::maybe_stall()
{
    if (plan_.machine.stall <= 0 || calm() || !machine_random_.chance(plan_.machine.stall))
        return;
    const duration d = machine_random_.any_magnitude(duration(1), duration(20'000));
    world_.log.note("== the engine stands still for {}", format_duration(d));
    frozen_until_ = world_.events.now() + d;
    world_.net.freeze_client_until(frozen_until_);
}

/// To the next moment in which something happens.
void driver::wait()
{
    steady_time next = world_.events.next();
    const bool frozen = world_.events.now() < frozen_until_;
    if (frozen)
        next = std::min(next, frozen_until_);
    else if (life_)
        next = std::min(next, life_->next_due());
    if (!life_)
        next = std::min(next, restart_at_);
    if (next == steady_time::max())
        return world_.check.report("makes_progress", "nothing will ever happen again, and a run has not ended");
    world_.events.advance_to(next);
    if (life_ && !frozen)
        life_->catch_up();
}

void driver::start_engine()
{
    world_.store.restore();
    ++lives_;
    world_.log.note("== engine {} starts", lives_);
    life_ = std::make_unique<engine_life>(world_, entropy_random_.next());
    commit_planned_ = false;
    life_->resume_all();
    start_wanted();
    plan_commit();
}

void driver::start_wanted()
{
    if (!life_ || stopping_)
        return;
    for (const run_plan& r : plan_.runs) {
        const bool due = beginning + r.starts <= world_.events.now();
        if (due && !life_->knows(r.dag.name) && !world_.check.run_exists(r.dag.name))
            life_->start(r.dag);
    }
}

void driver::die()
{
    const duration pause = crash_random_.any_magnitude(duration(1), plan_.crashes.longest_pause);
    world_.log.note("== engine {} dies; the next one comes after {}", lives_, format_duration(pause));
    ++report_.crashes;
    life_.reset();
    stopping_ = false;
    frozen_until_ = {};
    world_.net.freeze_client_until({});
    restart_at_ = world_.events.now() + pause;
}

void driver::stop_gracefully()
{
    world_.log.note("== engine {} is asked to stop", lives_);
    ++report_.stops;
    stopping_ = true;
    stop_asked_ = world_.events.now();
    life_->stop();
}

void driver::end_stop()
{
    if (life_->host().close() > 0)
        world_.log.note("== the disk is full: something is lost");
    world_.log.note("== engine {} has stopped", lives_);
    stopping_ = false;
    life_.reset();
    restart_at_ = world_.events.now() + crash_random_.any_magnitude(duration(1), plan_.crashes.longest_pause);
}

void driver::plan_commit()
{
    if (commit_planned_ || !life_->host().has_unwritten())
        return;
    commit_planned_ = true;
    duration takes = machine_random_.between(duration(0), plan_.machine.longest_commit);
    if (!calm() && machine_random_.chance(plan_.machine.slow_commit))
        takes = machine_random_.any_magnitude(duration(20), duration(10'000));
    if (world_.store.full())
        takes = disk_retry;
    world_.events.after(takes, [this, life = lives_] {
        if (life_ && life == lives_)
            commit();
    });
}

void driver::commit()
{
    if (!calm() && !world_.store.full() && machine_random_.chance(plan_.machine.full_disk)) {
        const duration d = machine_random_.any_magnitude(duration(100), duration(60'000));
        world_.log.note("== the disk is full for {}", format_duration(d));
        world_.store.set_full(true);
        world_.events.after(d, [this] { world_.store.set_full(false); });
    }
    const crash_plan& c = plan_.crashes;
    const auto dies = [&] {
        return !options_.never_crash && crash_random_.chance(c.at_commit) && !calm() &&
               report_.crashes + report_.stops < static_cast<std::uint64_t>(c.most);
    };
    if (dies())
        return die();
    commit_planned_ = false;
    world_.log.note("== commit");
    life_->host().write_journal();
    if (dies())
        die();
}

} // namespace

report simulate(const scenario& s, const options& o)
{
    return driver(s, o).run();
}

report simulate_and_compare(const scenario& s, const options& o)
{
    report r = simulate(s, o);
    if (r.broken || !s.ends_the_same || (r.crashes == 0 && r.stops == 0))
        return r;
    options undisturbed = o;
    undisturbed.print_trace = false;
    undisturbed.never_crash = true;
    const report other = simulate(s, undisturbed);
    if (other.broken) {
        r.broken = other.broken;
        r.broken->what += " (without any crash)";
        return r;
    }
    const auto difference = std::mismatch(r.ended.begin(), r.ended.end(), other.ended.begin(), other.ended.end());
    if (difference.first != r.ended.end())
        r.broken = violation{"ends_the_same", fmt::format("it ended as\n  {}\nand without crashes as\n  {}",
                                                          fmt::join(r.ended, "\n  "), fmt::join(other.ended, "\n  "))};
    return r;
}

} // namespace potoo::sim
