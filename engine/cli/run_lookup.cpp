#include "engine/cli/run_lookup.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/spelling.hpp"
#include "engine/journal/sqlite_store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

constexpr std::size_t candidates_shown = 10;

[[noreturn]] void none_found(journal::reader& journal, const std::string& id, const std::string& state,
                             run_choice among)
{
    if (among != run_choice::any) {
        journal::run_filter any;
        any.id_prefix = id;
        any.limit = 1;
        if (const auto ended = journal.runs(any); !ended.empty())
            throw usage_error(fmt::format("run {} has ended ({}): there is nothing to {}", ended.front().id.value(),
                                          to_string(ended.front().state),
                                          among == run_choice::to_resume ? "resume" : "cancel"));
    }
    throw usage_error(
        fmt::format("there is no run {} in {}; `potoo ls` lists them, and `last` is the latest", id, state));
}

} // namespace

std::unique_ptr<journal::reader> open_journal(const std::string& state)
{
    return journal::open_sqlite_reader(journal::state_layout(state));
}

journal::run_row find_run(journal::reader& journal, const std::string& named, const std::string& state,
                          run_choice among)
{
    const std::string id = named == "last" ? std::string() : named;
    journal::run_filter filter;
    filter.id_prefix = id;
    filter.unfinished = among != run_choice::any;
    filter.limit = id.empty() ? 1 : candidates_shown + 1;
    auto found = journal.runs(filter);
    if (found.empty() && id.empty())
        throw usage_error(among == run_choice::any ? fmt::format("there is no run in {} yet", state)
                                                   : fmt::format("no run in {} is unfinished", state));
    if (found.empty())
        none_found(journal, id, state, among);
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

task_index find_task(const journal::dag_document& d, const std::string& name)
{
    const auto found = std::find(d.tasks.begin(), d.tasks.end(), name);
    if (found != d.tasks.end())
        return task_index(static_cast<std::uint32_t>(found - d.tasks.begin()));
    const std::vector<std::string_view> names(d.tasks.begin(), d.tasks.end());
    const auto nearest = graph::nearest_spelling(name, names);
    throw usage_error(fmt::format("the run of {} has no task {}{}", d.name, name,
                                  nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

} // namespace potoo::cli
