#include "engine/cli/commands.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/table.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/run_json.hpp"
#include "engine/host/state_config.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>

#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr std::chrono::seconds time_to_answer{600};
constexpr std::size_t records_at_once = 8'192;

struct gc_arguments
{
    std::optional<std::uint32_t> keep_runs;
    std::string keep_for;
    std::string state = ".potoo";
    bool dry_run = false;
    bool json = false;
};

/// Those of the command line, else those of the directory's configuration.
journal::retention rules_of(const gc_arguments& a)
{
    journal::retention rules;
    rules.keep_runs = a.keep_runs;
    if (!a.keep_for.empty()) {
        rules.keep_for = parse_duration(a.keep_for);
        if (!rules.keep_for)
            throw usage_error(fmt::format("--keep-for {}: write a time such as 30d or 12h", a.keep_for));
    }
    const journal::state_layout layout(a.state);
    if (!rules.keep_runs && !rules.keep_for)
        rules = host::read_state_config(layout).keep;
    if (!rules.keep_runs && !rules.keep_for)
        throw usage_error(fmt::format("what is to be kept? Give --keep-runs N or --keep-for TIME, or write `keep_runs` "
                                      "or `keep_for` into {}",
                                      (layout.directory() / "config.yaml").string()));
    return rules;
}

std::uintmax_t size_of(const std::string& state)
{
    std::uintmax_t bytes = 0;
    const auto database = journal::state_layout(state).database().string();
    for (const char* ending : {"", "-wal"}) {
        std::error_code ec;
        const auto size = std::filesystem::file_size(database + ending, ec);
        bytes += ec ? 0 : size;
    }
    return bytes;
}

std::string size_text(std::uintmax_t bytes)
{
    constexpr double kib = 1024;
    if (bytes < 1024 * 1024)
        return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / kib);
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kib / kib);
}

journal::pruned remove(const journal::retention& rules, const gc_arguments& a)
{
    const state_access access(a.state, host::collect_request(rules), time_to_answer);
    if (access.answer())
        return host::collected_by_answer(*access.answer());
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    journal::pruned removed;
    do
        removed += access.journal().prune(rules, now, records_at_once);
    while (removed.more);
    return removed;
}

/// Runs that the rules do not keep, and that are kept for remote jobs which may run still.
std::size_t kept_for_jobs(const journal::retention& rules, wall_time now, const gc_arguments& a)
{
    const auto journal = open_journal(a.state);
    std::set<journal::run_number> loose;
    for (const journal::unconfirmed_remote& j : journal->unconfirmed(std::nullopt))
        loose.insert(j.run);
    if (loose.empty())
        return 0;
    std::size_t kept = 0;
    std::map<std::string, std::uint32_t> newer;
    for (const journal::run_row& r : journal->runs({})) {
        if (!r.ended)
            continue;
        const bool by_count = rules.keep_runs && newer[r.dag_name]++ < *rules.keep_runs;
        const bool by_time = rules.keep_for && *r.ended >= now - *rules.keep_for;
        kept += !by_count && !by_time && loose.contains(r.number) ? 1 : 0;
    }
    return kept;
}

std::string kept_text(std::size_t kept, const gc_arguments& a)
{
    if (kept == 0)
        return {};
    return fmt::format("{} kept, for remote jobs of {} may still run; which: {}\n",
                       kept == 1 ? "1 run is" : fmt::format("{} runs are", kept), kept == 1 ? "it" : "them",
                       next_command("status", {}, a.state));
}

exit_code show_removable(const journal::retention& rules, const gc_arguments& a)
{
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto runs = open_journal(a.state)->prunable(rules, now);
    const std::size_t kept = kept_for_jobs(rules, now, a);
    table t({{"RUN"}, {"DAG"}, {"STATE"}, {"ENDED (UTC)"}});
    json::array documents;
    for (const auto& r : runs) {
        t.add({r.id.value(), r.dag_name, std::string(to_string(r.state)), r.ended ? instant_text(*r.ended) : ""});
        documents.push_back(host::run_json(r));
    }
    file_output out(STDOUT_FILENO);
    if (a.json) {
        out.line(json::serialize(
            json::object{{"dry_run", true}, {"runs", std::move(documents)}, {"kept_unconfirmed", kept}}));
    } else {
        if (!t.empty())
            out.write(t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8()));
        out.write(fmt::format("{} {} would be removed\n", runs.size(), runs.size() == 1 ? "run" : "runs") +
                  kept_text(kept, a));
    }
    out.flush();
    return exit_code::success;
}

exit_code collect(const gc_arguments& a)
{
    const auto there = open_journal(a.state);
    const journal::retention rules = rules_of(a);
    if (a.dry_run)
        return show_removable(rules, a);
    const std::uintmax_t before = size_of(a.state);
    const journal::pruned removed = remove(rules, a);
    const std::uintmax_t after = size_of(a.state);
    const std::uintmax_t freed = after < before ? before - after : 0;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::size_t kept = kept_for_jobs(rules, now, a);
    file_output out(STDOUT_FILENO);
    if (a.json)
        out.line(json::serialize(json::object{{"runs", removed.runs},
                                              {"records", removed.records},
                                              {"log_pieces", removed.logs},
                                              {"bytes", freed},
                                              {"kept_unconfirmed", kept}}));
    else
        out.write(fmt::format("removed {} {}, {} records and {} pieces of logs; the journal takes {}{}\n", removed.runs,
                              removed.runs == 1 ? "run" : "runs", removed.records, removed.logs, size_text(after),
                              freed > 0 ? fmt::format(", {} less", size_text(freed)) : "") +
                  kept_text(kept, a));
    out.flush();
    return exit_code::success;
}

} // namespace

void add_gc_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<gc_arguments>();
    CLI::App* c = app.add_subcommand("gc", "Remove old runs from the journal");
    c->add_option("--keep-runs", a->keep_runs, "Keep so many of the latest ended runs of each DAG")->type_name("N");
    c->add_option("--keep-for", a->keep_for, "Keep runs that ended no longer ago than this, as 30d")->type_name("TIME");
    c->add_flag("--dry-run", a->dry_run, "List what would be removed, and remove nothing");
    add_state_option(*c, a->state);
    add_format_option(*c, a->json);
    c->footer("A run is kept while either rule keeps it. One that has not ended, or that has left a remote job whose\n"
              "end is not confirmed, is kept in any case. Without rules those of DIR/config.yaml hold, which engines\n"
              "also apply by themselves.\n"
              "Examples:\n"
              "  potoo gc --keep-for 30d --dry-run\n"
              "  potoo gc --keep-runs 20");
    c->callback([a, &chosen] { chosen = [a] { return collect(*a); }; });
}

} // namespace potoo::cli
