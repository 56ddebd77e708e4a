#include "dispatcher.hpp"

#include <fmt/format.h>

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <system_error>

namespace job_service {

namespace {

// What a shell says of a program that it did not find, or could not run.
constexpr int exit_not_found = 127;
constexpr int exit_not_runnable = 126;

std::string signal_name(int number)
{
    const char* name = ::sigabbrev_np(number);
    return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

std::string error_document(std::string_view message, process_end how, std::string_view stderr_line)
{
    return fmt::format(R"({{"message":{},"exit_code":{},"signal":{},"stderr":{}}})", quoted(message),
                       how.exit_code ? std::to_string(*how.exit_code) : "null",
                       how.signal ? quoted(signal_name(how.signal)) : "null",
                       stderr_line.empty() ? "null" : quoted(stderr_line));
}

std::string explain(process_end how)
{
    return how.signal ? fmt::format("killed by {}", signal_name(how.signal))
                      : fmt::format("exited with code {}", how.exit_code.value_or(0));
}

} // namespace

bool dispatcher::wants_slot(const job& subject) const
{
    return !subject.request.instead_of_process || allowed_.slots_for_builtin;
}

void dispatcher::submit(const job_ptr& subject)
{
    if (!wants_slot(*subject)) {
        start(subject);
        return;
    }
    queue_.push_back(subject);
    start_queued();
}

void dispatcher::start_queued()
{
    if (std::exchange(starting_, true)) // a process that cannot start ends inside this loop
        return;
    while (!stopping_ && busy_ < allowed_.slots && !queue_.empty()) {
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        if (next->state != job_state::queued || next->forgotten)
            continue;
        ++busy_;
        peak_ = std::max(peak_, busy_);
        start(next);
    }
    starting_ = false;
    if (idle_ && with_process_.empty())
        std::exchange(idle_, {})();
}

void dispatcher::start(const job_ptr& subject)
{
    subject->started_at = std::chrono::system_clock::now();
    table_.change_state(*subject, job_state::running);
    if (subject->request.instead_of_process)
        start_builtin(subject);
    else
        start_process(subject);
}

void dispatcher::start_builtin(const job_ptr& subject)
{
    subject->pending = std::make_unique<timer>(where_, subject->request.instead_of_process->duration);
    subject->pending->async_wait([this, subject](error_code error) {
        if (!error && subject->state == job_state::running)
            builtin_ended(subject);
    });
}

void dispatcher::builtin_ended(const job_ptr& subject)
{
    const auto& done = *subject->request.instead_of_process;
    subject->exit_code = done.exit_code;
    subject->result = json_or_quoted(done.result);
    const process_end how{done.exit_code, 0};
    if (done.exit_code != 0)
        subject->error = error_document(explain(how), how, {});
    finish(*subject, done.exit_code == 0 ? job_state::succeeded : job_state::failed);
    release_slot(*subject);
}

void dispatcher::start_process(const job_ptr& subject)
{
    subject->output = std::make_unique<job_output>(allowed_.log_bytes);
    process::handlers tell;
    tell.output = [subject](output_stream which, std::string_view piece) {
        if (which == output_stream::out)
            subject->output->append_stdout(piece);
        else
            subject->output->append_stderr(piece);
        wake_watchers(*subject);
    };
    tell.ended = [this, subject](process_end how) { process_ended(subject, how); };
    auto spec = subject->request.process;
    spec.env.emplace_back("JOB_ID", subject->id);
    try {
        subject->process = process::start(where_, spec, std::move(tell));
        with_process_.push_back(subject);
    } catch (const std::system_error& error) {
        subject->exit_code = error.code() == std::errc::no_such_file_or_directory ? exit_not_found : exit_not_runnable;
        subject->error = error_document(error.what(), {subject->exit_code, 0}, {});
        finish(*subject, job_state::failed);
        release_slot(*subject);
    }
}

void dispatcher::process_ended(const job_ptr& subject, process_end how)
{
    subject->process.reset();
    std::erase(with_process_, subject);
    subject->exit_code = how.exit_code;
    const auto stderr_line = subject->output->last_stderr_line();
    subject->result = json_or_quoted(subject->output->last_stdout_line());
    if (subject->cancel_requested) {
        subject->error = error_document("cancelled: " + explain(how), how, stderr_line);
        finish(*subject, job_state::cancelled);
    } else if (how.exit_code == 0) {
        finish(*subject, job_state::succeeded);
    } else {
        subject->error = error_document(explain(how), how, stderr_line);
        finish(*subject, job_state::failed);
    }
    release_slot(*subject);
}

void dispatcher::finish(job& subject, job_state state)
{
    subject.pending.reset();
    subject.ended_at = std::chrono::system_clock::now();
    table_.change_state(subject, state);
}

void dispatcher::release_slot(const job& subject)
{
    if (!wants_slot(subject))
        return;
    --busy_;
    start_queued();
}

void dispatcher::cancel(const job_ptr& subject)
{
    if (is_terminal(subject->state) || subject->cancel_requested)
        return;
    subject->cancel_requested = true;
    subject->rendered.clear();
    if (subject->process) {
        terminate(subject);
        return;
    }
    const bool held_slot = subject->state == job_state::running;
    subject->error = error_document(held_slot ? "cancelled" : "cancelled before it started", {}, {});
    finish(*subject, job_state::cancelled);
    if (held_slot)
        release_slot(*subject);
}

void dispatcher::terminate(const job_ptr& subject)
{
    subject->process->signal_group(SIGTERM);
    subject->pending = std::make_unique<timer>(where_, allowed_.grace);
    subject->pending->async_wait([subject](error_code error) {
        if (!error && subject->process)
            subject->process->signal_group(SIGKILL);
    });
}

void dispatcher::abandon(const job_ptr& subject)
{
    if (subject->process) {
        subject->cancel_requested = true;
        subject->process->signal_group(SIGKILL);
        return;
    }
    cancel(subject);
}

void dispatcher::stop(std::function<void()> idle)
{
    stopping_ = true;
    for (const auto& subject : table_.all())
        cancel(subject);
    for (const auto& subject : with_process_) // forgotten ones included
        cancel(subject);
    idle_ = std::move(idle);
    start_queued();
}

void dispatcher::kill_all()
{
    for (const auto& subject : with_process_)
        subject->process->signal_group(SIGKILL);
}

} // namespace job_service
