#include "engine/cli/state_request.hpp"

#include "engine/cli/error_report.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/host/control_client.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/store_error.hpp"

#include <fmt/format.h>

#include <fstream>

#include <poll.h>

namespace potoo::cli {

namespace {

/// An engine starts or leaves in less.
constexpr std::chrono::seconds patience{5};
constexpr std::chrono::milliseconds ask_again{50};

/// Before somebody wonders.
constexpr std::chrono::seconds silence{2};

/// As it stands in the lock's file.
std::string holder_of(const journal::state_layout& layout)
{
    std::ifstream file(layout.lock());
    std::string text;
    std::getline(file, text);
    return text.empty() ? "another process" : text;
}

[[noreturn]] void give_up(const journal::state_layout& layout, const host::control_error& e)
{
    using host::control_failure;
    const bool taken = e.why() == control_failure::late || e.why() == control_failure::broken;
    throw journal::store_error(
        journal::store_error_kind::locked,
        fmt::format("the state directory '{}' is in use by {}, which does not answer ({}); {}, and asking again does "
                    "no harm",
                    layout.directory().string(), holder_of(layout), e.what(),
                    taken ? "it has the request, and may still carry it out when it goes on" : "nothing was recorded"));
}

std::optional<journal::state_lock> try_lock(const journal::state_layout& layout)
{
    try {
        return journal::state_lock::acquire(layout);
    } catch (const journal::store_error& e) {
        if (e.kind() != journal::store_error_kind::locked)
            throw;
        return std::nullopt;
    }
}

} // namespace

namespace {

/// Asks until there is an answer, or `alone` says that there will be none.
template <class Alone>
std::optional<std::string> ask(const journal::state_layout& layout, const json::object& request,
                               std::chrono::seconds time, Alone alone)
{
    const std::string line = json::serialize(request);
    const auto give_up_at = steady_clock::now() + patience;
    const host::slow_answer slow{silence, [&] {
                                     report_text(fmt::format("The engine ({}) does not answer yet; waiting up to {} s "
                                                             "for it.\n",
                                                             holder_of(layout), time.count()));
                                 }};
    for (;;) {
        std::optional<host::control_error> problem;
        try {
            return host::ask_engine(layout, line, steady_clock::now() + time, slow);
        } catch (const host::control_error& e) {
            problem = e;
        }
        if (problem->why() == host::control_failure::late || problem->why() == host::control_failure::refused)
            give_up(layout, *problem);
        if (alone())
            return std::nullopt;
        if (steady_clock::now() > give_up_at)
            give_up(layout, *problem);
        ::poll(nullptr, 0, static_cast<int>(ask_again.count()));
    }
}

} // namespace

state_access::state_access(const std::string& state, const json::object& request, std::chrono::seconds time)
{
    const journal::state_layout layout(state);
    answer_ = ask(layout, request, time, [&] {
        lock_ = try_lock(layout);
        return lock_.has_value();
    });
    if (lock_)
        store_ = journal::open_sqlite_store(layout);
}

std::optional<std::string> answer_of_engine(const std::string& state, const json::object& question,
                                            std::chrono::seconds time)
{
    const journal::state_layout layout(state);
    return ask(layout, question, time, [&] { return !journal::state_lock::is_held(layout); });
}

std::string next_command(std::string_view verb, const std::string& run, const std::string& state)
{
    std::string out = fmt::format("potoo {}{}{}", verb, run.empty() ? "" : " ", run);
    if (state != ".potoo")
        out += " --state " + shell_word(state);
    return out;
}

} // namespace potoo::cli
