#include "engine/cli/run_lookup.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/spelling.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/store_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace potoo::cli {

namespace {

constexpr std::size_t candidates_shown = 10;

} // namespace

std::unique_ptr<journal::reader> open_journal(const std::string& state)
{
    const journal::state_layout layout(state);
    // What may not be looked at would seem not to be there.
    std::error_code ec;
    static_cast<void>(std::filesystem::status(layout.database(), ec));
    if (ec == std::errc::permission_denied)
        throw journal::store_error(journal::store_error_kind::read_only,
                                   fmt::format("the state directory '{}' cannot be looked into: {}; it is for the user "
                                               "who made it, choose another with --state",
                                               state, ec.message()));
    return journal::open_sqlite_reader(layout);
}

journal::run_row find_run(journal::reader& journal, const std::string& named, const std::string& state, latest_run last)
{
    const std::string id = named == "last" ? std::string() : named;
    journal::run_filter filter;
    filter.id_prefix = id;
    filter.unfinished = id.empty() && last == latest_run::unfinished;
    filter.limit = id.empty() ? 1 : candidates_shown + 1;
    auto found = journal.runs(filter);
    if (found.empty() && id.empty())
        throw usage_error(filter.unfinished ? fmt::format("no run in {} is unfinished", state)
                                            : fmt::format("there is no run in {} yet", state));
    if (found.empty())
        throw usage_error(
            fmt::format("there is no run {} in {}; `potoo ls` lists them, and `last` is the latest", id, state));
    const auto exact = std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.id.value() == id; });
    if (exact != found.end())
        return *exact;
    if (found.size() == 1)
        return found.front();
    std::string text = fmt::format("potoo: error: several runs begin with {}; write more of the id:\n", id);
    for (std::size_t i = 0; i < std::min(found.size(), candidates_shown); ++i)
        text += fmt::format("  {}  {}  {}  {}\n", found[i].id.value(), instant_text(found[i].created),
                            found[i].dag_name, to_string(found[i].state));
    if (found.size() > candidates_shown)
        text += "  and more\n";
    throw usage_error(text);
}

journal::run_row as_shown(journal::reader& journal, journal::run_row run)
{
    if (!run.ended && host::cancellation_of(journal, run.number).run)
        run.state = journal::recorded_state::cancelling;
    return run;
}

task_index find_task(const journal::dag_document& d, const std::string& name)
{
    const auto found = std::find(d.tasks.begin(), d.tasks.end(), name);
    if (found != d.tasks.end())
        return task_index(static_cast<std::uint32_t>(found - d.tasks.begin()));
    const std::vector<std::string_view> names(d.tasks.begin(), d.tasks.end());
    const auto nearest = graph::nearest_spelling(name, names);
    throw usage_error(fmt::format("the run of {} has no task {}{}", d.name, name,
                                  nearest.empty() ? "; `potoo status RUN` lists its tasks"
                                                  : fmt::format("; did you mean {}?", nearest)));
}

} // namespace potoo::cli
