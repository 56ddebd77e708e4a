#include "measured_run.hpp"

#include "engine/graph/load.hpp"

#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

namespace potoo::bench {

std::shared_ptr<const graph::dag> load(const std::string& text, const char* name)
{
    graph::load_result r = graph::load_dag(text, name, operators());
    if (!r.value) {
        std::fputs(graph::format_diagnostics(r).c_str(), stderr);
        std::exit(1);
    }
    return r.value;
}

host::run_outcome carry_out(boost::asio::io_context& context, task<host::run_outcome> work, host::local_host& local)
{
    std::optional<host::run_outcome> result;
    std::exception_ptr error;
    async_run(local.loop(), "run", std::move(work), [&](std::exception_ptr e, std::optional<host::run_outcome> o) {
        error = e;
        result = std::move(o);
        context.stop();
    });
    const auto busy = boost::asio::make_work_guard(context);
    context.run();
    if (error)
        std::rethrow_exception(error);
    return *result;
}

std::shared_ptr<const graph::dag> waiting_jobs(const job_shape& shape)
{
    const std::string batch =
        shape.batch_limit == 0
            ? ""
            : fmt::format(
                  "batch: {{method: POST, url: \"${{{{ params.service }}}}/jobs/query\", body: {{ids: \"${{{{ ids "
                  "}}}}\"}}, limit: {}, items: \"${{{{ response.body.jobs }}}}\", id: \"${{{{ job.id }}}}\"}}",
                  shape.batch_limit);
    return load(R"(
params: {service: {type: string}}
tasks:
  jobs:
    operator: http_job
    foreach: ${{ range()" +
                    std::to_string(shape.jobs) + R"() }}
    with:
      submit: {method: POST, url: "${{ params.service }}/jobs", body: {command: ["builtin:sleep", "86400"], token: "${{ launch_token }}"}}
      id: ${{ response.body.id }}
      status: {method: GET, url: "${{ params.service }}/jobs/${{ id }}"}
      )" + batch + R"(
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED]
      cancelled: [CANCELLED]
      cancel: {method: DELETE, url: "${{ params.service }}/jobs/${{ id }}"}
      poll: {interval: )" +
                    shape.interval + ", max_interval: " + shape.interval + ", backoff: 1}\n",
                "waiting.yaml");
}

staged_watch::staged_watch(potoo::loop& l, std::size_t jobs, std::function<bool()> ready)
    : loop_(l), jobs_(static_cast<long>(jobs)), ready_(std::move(ready))
{}

staged_watch::~staged_watch()
{
    if (armed_)
        loop_.disarm(*this);
}

staged_watch& staged_watch::then(steady_clock::duration after, std::function<void()> what)
{
    stages_.emplace_back(after, std::move(what));
    return *this;
}

void staged_watch::attempt_deferred(task_index, item_index, bool deferred)
{
    deferred_ += deferred ? 1 : -1;
    if (deferred_ != jobs_ || began_)
        return;
    began_ = true;
    armed_ = true;
    loop_.arm(*this, loop_.now());
}

void staged_watch::on_due()
{
    armed_ = false;
    steady_clock::duration until_next = std::chrono::milliseconds(100);
    if (ready_ && ready_()) {
        ready_ = nullptr;
        until_next = stages_.front().first;
    } else if (!ready_) {
        stages_[next_++].second();
        if (done())
            return;
        until_next = stages_[next_].first;
    }
    armed_ = true;
    loop_.arm(*this, loop_.now() + until_next);
}

} // namespace potoo::bench
