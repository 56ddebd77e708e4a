#include "engine/server/dags/dag_catalog.hpp"

#include "engine/graph/load.hpp"
#include "engine/server/dags/dag_generator.hpp"
#include "engine/server/dags/folder_view.hpp"
#include "engine/server/dags/folder_watch.hpp"

#include <potoo/blocking.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/utf8.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

namespace potoo::server {

namespace fs = std::filesystem;

namespace {

const std::string ledger_kind = "dag";

/// What is kept of a DAG that is paused; of others, nothing is.
bool is_pause(const json::value& note)
{
    const json::value* paused = note.is_object() ? note.get_object().if_contains("paused") : nullptr;
    return paused && paused->is_bool() && paused->get_bool();
}

/// A generator file as it is carried; replaced as a whole when the file changes.
struct generator
{
    generator_spec spec;
    bool started = false;
    counter stopped; ///< 1 = stop
};

struct tracked_file
{
    dag_catalog::entry shown;
    std::optional<file_stamp> read; ///< of the version that was read last; nothing = it is to be read again
    std::optional<file_stamp> seen; ///< of the version that is there, if it is another
    steady_time seen_since{};
    std::optional<std::size_t> text_hash;
    std::string wanted_name; ///< its DAG asks for this name, which another file has; empty = it does not wait for one
    std::shared_ptr<generator> generating;
};

task<> until_stopped(std::shared_ptr<generator> g)
{
    co_await g->stopped.reached(1);
}

/// Who reads problems sees the folder, not the machine that it is on.
std::string within(const fs::path& folder, std::string text)
{
    const auto prefix = (folder / "").string();
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) {
        const bool begins = at == 0 || std::string_view(" \n\"'`(").find(text[at - 1]) != std::string_view::npos;
        if (begins)
            text.erase(at, prefix.size());
        else
            ++at;
    }
    return text;
}

class slot_of
{
  public:
    explicit slot_of(scope*& place, scope& s) : place_(place) { place_ = &s; }

    slot_of(const slot_of&) = delete;
    slot_of& operator=(const slot_of&) = delete;

    ~slot_of() { place_ = nullptr; }

  private:
    scope*& place_;
};

} // namespace

struct dag_catalog::parts
{
    enum class patience
    {
        at_once,   ///< what is there is read
        when_calm, ///< what changed a moment ago is left for later
    };

    parts(potoo::loop& l, const operator_registry& o, process_runner& p, runtime::ledger& m, catalog_settings s)
        : loop(l), operators(o), processes(p), memory(m), settings(std::move(s)),
          watch(l, settings.folder, settings.watch)
    {}

    task<> look(patience p);
    task<> look_in_turn(patience p);
    task<> read(std::vector<std::string> names, patience p);
    task<> take_in(file_read r);
    task<> take_in_dag(std::string file, std::string text, std::string source_name);
    void take_in_generator(tracked_file& f, const std::string& text);
    task<> follow(scope& s);
    task<> carry(std::string file, std::shared_ptr<generator> g);
    task<> go_on_generating(std::string file, std::shared_ptr<generator> g);
    task<> take_in_generated(std::string file, std::shared_ptr<generator> g, generated made);

    [[nodiscard]] std::vector<std::string> note_what_is_there(const folder_view& view, patience p);
    void forget_missing(const folder_view& view);
    void accept(tracked_file& f, graph::load_result result);
    void refuse(tracked_file& f, std::string problems);
    void start_generator(tracked_file& f);
    [[nodiscard]] std::string load_plugins(const std::string& file, const std::string& text,
                                           const std::string& source_name) const;
    [[nodiscard]] tracked_file* owner_of(std::string_view name) const;
    void disown(const tracked_file& f);
    [[nodiscard]] steady_time next_look() const;
    [[nodiscard]] bool let_waiting_try_again();
    void tell();

    void say(const std::string& line) const
    {
        if (settings.say)
            settings.say(line);
    }

    void warn(const std::string& line) const
    {
        if (settings.warn)
            settings.warn(line);
    }

    [[nodiscard]] std::string path_of(const std::string& file) const { return (settings.folder / file).string(); }

    potoo::loop& loop;
    const operator_registry& operators;
    process_runner& processes;
    runtime::ledger& memory;
    catalog_settings settings;
    folder_watch watch;
    std::map<std::string, std::unique_ptr<tracked_file>> files;
    std::map<std::string, tracked_file*, std::less<>> owners; ///< by name: the file whose DAG has it
    std::set<std::string, std::less<>> paused;
    std::vector<std::function<void()>> listeners;
    semaphore turn{1};
    scope* open = nullptr;
    std::optional<steady_time> last_look;
    std::string folder_problem;
    bool folder_missing = false;
    bool changed = false;
    bool unripe = false;
};

void dag_catalog::parts::tell()
{
    if (!std::exchange(changed, false))
        return;
    for (auto& f : files)
        f.second->shown.paused = paused.contains(f.second->shown.name);
    for (const auto& listener : listeners)
        listener();
}

tracked_file* dag_catalog::parts::owner_of(std::string_view name) const
{
    const auto found = owners.find(name);
    return found == owners.end() ? nullptr : found->second;
}

/// The name of its DAG is free for others.
void dag_catalog::parts::disown(const tracked_file& f)
{
    if (owner_of(f.shown.name) == &f)
        owners.erase(f.shown.name);
}

task<> dag_catalog::parts::look(patience p)
{
    co_await turn.acquire();
    const slot_guard held(turn);
    co_await look_in_turn(p);
    tell();
}

task<> dag_catalog::parts::look_in_turn(patience p)
{
    for (bool again = true; again;) {
        auto look = [folder = settings.folder, most = settings.max_files] { return look_through(folder, most); };
        const folder_view view = co_await blocking(look);
        again = watch.follow(view.folders);
        if (view.problem != folder_problem && !view.problem.empty())
            warn(view.problem);
        folder_problem = view.problem;
        folder_missing = view.folders.empty();
        forget_missing(view);
        unripe = false;
        auto ripe = note_what_is_there(view, p);
        co_await read(std::move(ripe), p);
        again = let_waiting_try_again() || again;
    }
    last_look = loop.now();
}

void dag_catalog::parts::forget_missing(const folder_view& view)
{
    std::erase_if(files, [&](auto& f) {
        if (!is_gone(view, f.first))
            return false;
        if (f.second->generating)
            f.second->generating->stopped.increment();
        disown(*f.second);
        say(fmt::format("{} is gone", f.first));
        changed = true;
        return true;
    });
}

/// @return those that are to be read
std::vector<std::string> dag_catalog::parts::note_what_is_there(const folder_view& view, patience p)
{
    std::vector<std::string> ripe;
    const auto now = loop.now();
    for (const auto& there : view.files) {
        auto& f = files[there.name];
        if (!f) {
            f = std::make_unique<tracked_file>();
            f->shown.file = there.name;
            f->shown.name = stem_of(there.name);
            f->shown.generated = is_generator_name(there.name);
        }
        if (f->read == there.stamp)
            continue;
        if (f->seen != there.stamp) {
            f->seen = there.stamp;
            f->seen_since = now;
        }
        const bool calm = now - f->seen_since >= settings.quiet && !watch.being_written(settings.folder / there.name);
        if (calm || p == patience::at_once)
            ripe.push_back(there.name);
        else
            unripe = true;
    }
    return ripe;
}

task<> dag_catalog::parts::read(std::vector<std::string> names, patience p)
{
    for (auto& name : names) {
        auto reading = [folder = settings.folder, name, most = settings.max_file_size] {
            return read_dag_file(folder, name, most);
        };
        file_read r = co_await blocking(reading);
        const auto f = files.find(name);
        if (f == files.end())
            continue;
        if (r.changing && p == patience::when_calm) {
            f->second->seen.reset();
            unripe = true;
            continue;
        }
        f->second->read = r.stamp;
        f->second->seen.reset();
        co_await take_in(std::move(r));
    }
}

task<> dag_catalog::parts::take_in(file_read r)
{
    auto& f = *files.at(r.name);
    if (!r.problem.empty()) {
        f.text_hash.reset();
        refuse(f, fmt::format("{}: error: {}\n", path_of(r.name), r.problem));
        co_return;
    }
    const auto hash = std::hash<std::string>()(r.text);
    if (f.text_hash == hash && f.wanted_name.empty())
        co_return;
    f.text_hash = hash;
    f.wanted_name.clear();
    if (f.shown.generated) {
        take_in_generator(f, r.text);
        co_return;
    }
    auto source_name = path_of(r.name);
    co_await take_in_dag(std::move(r.name), std::move(r.text), std::move(source_name));
}

task<> dag_catalog::parts::take_in_dag(std::string file, std::string text, std::string source_name)
{
    if (auto problems = load_plugins(file, text, source_name); !problems.empty()) {
        refuse(*files.at(file), std::move(problems));
        co_return;
    }
    graph::load_options options;
    if (settings.secrets)
        options.secrets = settings.secrets();
    auto load = [text = std::move(text), source_name = std::move(source_name), &known = operators,
                 options = std::move(options)] { return graph::load_dag(text, source_name, known, options); };
    graph::load_result result = co_await blocking(load);
    if (const auto f = files.find(file); f != files.end())
        accept(*f->second, std::move(result));
}

std::string dag_catalog::parts::load_plugins(const std::string& file, const std::string& text,
                                             const std::string& source_name) const
{
    std::string problems;
    for (const auto& plugin : graph::plugins_of(text, source_name)) {
        try {
            if (!settings.load_plugin)
                throw std::runtime_error("plugins cannot be loaded here");
            settings.load_plugin((settings.folder / file).parent_path() / plugin);
        } catch (const std::exception& e) {
            problems += fmt::format("{}: error: plugin {}: {}\n", source_name, plugin, e.what());
        }
    }
    return problems;
}

void dag_catalog::parts::accept(tracked_file& f, graph::load_result result)
{
    if (!result.value)
        return refuse(f, graph::format_diagnostics(result));
    const auto* owner = owner_of(result.value->name);
    if (owner && owner != &f) {
        f.wanted_name = result.value->name;
        if (!f.shown.dag)
            f.shown.name = result.value->name;
        return refuse(f, fmt::format("{}: error: the DAG `{}` is in {} already: give one of them another `name`\n",
                                     result.source_name, result.value->name, path_of(owner->shown.file)));
    }
    const bool same = f.shown.dag && f.shown.dag->hash == result.value->hash && f.shown.problems.empty();
    f.shown.loaded = loop.wall_now();
    f.shown.problems.clear();
    if (same)
        return;
    disown(f);
    f.shown.dag = std::move(result.value);
    f.shown.name = f.shown.dag->name;
    owners[f.shown.name] = &f;
    f.shown.hash = f.shown.dag->hash;
    changed = true;
    const auto tasks = f.shown.dag->tasks.size();
    say(fmt::format("{}: DAG `{}` loaded, {} {}", f.shown.file, f.shown.name, tasks, tasks == 1 ? "task" : "tasks"));
}

void dag_catalog::parts::refuse(tracked_file& f, std::string problems)
{
    f.shown.loaded = loop.wall_now();
    // An excerpt of a file has its bytes.
    problems = valid_utf8(within(settings.folder, std::move(problems)));
    if (f.shown.problems == problems)
        return;
    f.shown.problems = std::move(problems);
    changed = true;
    const auto first = f.shown.problems.substr(0, f.shown.problems.find('\n'));
    warn(fmt::format("{}{}", first, f.shown.dag ? "; the last good version stays" : ""));
}

/// Files that could not have the name of their DAG are read again once it is free. @return whether there are any
bool dag_catalog::parts::let_waiting_try_again()
{
    bool any = false;
    std::set<std::string> promised;
    for (auto& [file, f] : files) {
        if (f->wanted_name.empty() || !f->read || f->shown.generated || owner_of(f->wanted_name) ||
            !promised.insert(f->wanted_name).second)
            continue;
        f->seen = std::exchange(f->read, std::nullopt);
        f->seen_since = loop.now() - settings.quiet;
        any = true;
    }
    return any;
}

void dag_catalog::parts::take_in_generator(tracked_file& f, const std::string& text)
{
    generator_spec spec;
    try {
        spec = parse_generator(text, path_of(f.shown.file));
    } catch (const std::exception& e) {
        return refuse(f, e.what());
    }
    if (f.generating)
        f.generating->stopped.increment();
    f.generating = std::make_shared<generator>();
    f.generating->spec = std::move(spec);
    if (open)
        start_generator(f);
}

void dag_catalog::parts::start_generator(tracked_file& f)
{
    if (!f.generating || f.generating->started)
        return;
    f.generating->started = true;
    open->spawn(carry(f.shown.file, f.generating));
}

task<> dag_catalog::parts::carry(std::string file, std::shared_ptr<generator> g)
{
    auto work = go_on_generating(std::move(file), g);
    auto end = until_stopped(g);
    co_await any(std::move(work), std::move(end));
}

task<> dag_catalog::parts::go_on_generating(std::string file, std::shared_ptr<generator> g)
{
    for (;;) {
        const auto directory = (settings.folder / file).parent_path().string();
        auto made = co_await generate(processes, g->spec, directory, settings.environment);
        co_await take_in_generated(file, g, std::move(made));
        co_await sleep_for(g->spec.every);
    }
}

task<> dag_catalog::parts::take_in_generated(std::string file, std::shared_ptr<generator> g, generated made)
{
    co_await turn.acquire();
    const slot_guard held(turn);
    const auto f = files.find(file);
    if (f == files.end() || f->second->generating != g)
        co_return;
    if (!made.problem.empty()) {
        refuse(*f->second, fmt::format("{}: error: {}", path_of(file), made.problem));
    } else {
        // The output is what the file `NAME` would be: that gives the DAG its name.
        auto source_name = ((settings.folder / file).parent_path() / stem_of(file)).string();
        co_await take_in_dag(file, std::move(made.text), std::move(source_name));
    }
    tell();
}

steady_time dag_catalog::parts::next_look() const
{
    if (unripe)
        return loop.now() + settings.quiet;
    const bool told = watch.why_not().empty() && !folder_missing;
    const auto pace = told ? settings.poll : settings.poll_unwatched;
    return last_look.value_or(loop.now()) + pace;
}

task<> dag_catalog::parts::follow(scope& s)
{
    const slot_of here(open, s);
    for (auto& [file, f] : files)
        start_generator(*f);
    for (;;) {
        co_await watch.changed(next_look());
        co_await sleep_for(settings.quiet);
        co_await look(patience::when_calm);
    }
}

dag_catalog::dag_catalog(potoo::loop& l, const operator_registry& operators, process_runner& processes,
                         runtime::ledger& memory, catalog_settings settings)
    : parts_(std::make_unique<parts>(l, operators, processes, memory, std::move(settings)))
{}

dag_catalog::~dag_catalog() = default;

task<> dag_catalog::load()
{
    const auto stay_paused = [this](const std::string& name, std::string_view why) {
        parts_->paused.insert(name);
        parts_->warn(fmt::format("DAG `{}`: what the state directory says of it cannot be read: {}; it is paused until "
                                 "somebody resumes it",
                                 name, why));
    };
    for (const auto& [name, note] : parts_->memory.readable(ledger_kind, stay_paused)) {
        if (is_pause(note))
            parts_->paused.insert(name);
        else
            stay_paused(name, "it is no pause");
    }
    co_await parts_->look(parts::patience::at_once);
    std::error_code ec;
    if (!std::filesystem::is_directory(parts_->settings.folder, ec))
        throw std::runtime_error(parts_->folder_problem.empty()
                                     ? fmt::format("{} is not a folder", parts_->settings.folder.string())
                                     : parts_->folder_problem);
}

task<> dag_catalog::keep()
{
    auto body = [p = parts_.get()](scope& s) { return p->follow(s); };
    co_await with_scope(body);
}

task<> dag_catalog::look()
{
    co_await parts_->look(parts::patience::at_once);
}

task<> dag_catalog::reread()
{
    for (auto& [name, f] : parts_->files) {
        f->read.reset();
        f->text_hash.reset();
    }
    co_await look();
}

const dag_catalog::entry* dag_catalog::find(std::string_view name) const
{
    if (const auto* owner = parts_->owner_of(name))
        return &owner->shown;
    for (const auto& [file, f] : parts_->files)
        if (f->shown.name == name)
            return &f->shown;
    return nullptr;
}

std::vector<const dag_catalog::entry*> dag_catalog::list() const
{
    std::vector<const entry*> out;
    for (const auto& [file, f] : parts_->files)
        out.push_back(&f->shown);
    std::sort(out.begin(), out.end(),
              [](const entry* a, const entry* b) { return std::tie(a->name, a->file) < std::tie(b->name, b->file); });
    return out;
}

task<> dag_catalog::set_paused(std::string name, bool paused)
{
    if (paused) {
        json::value note = json::object{{"paused", true}};
        co_await parts_->memory.put(ledger_kind, name, std::move(note));
        parts_->paused.insert(name);
    } else {
        co_await parts_->memory.erase(ledger_kind, name);
        parts_->paused.erase(name);
    }
    parts_->changed = true;
    parts_->tell();
}

std::vector<startable_dag> dag_catalog::startable() const
{
    std::vector<startable_dag> out;
    for (const auto* e : list())
        if (e->dag)
            out.push_back({e->name, e->dag, e->paused});
    return out;
}

startable_dag dag_catalog::startable(std::string_view name) const
{
    const auto* owner = parts_->owner_of(name);
    return owner ? startable_dag{owner->shown.name, owner->shown.dag, owner->shown.paused} : startable_dag{};
}

bool dag_catalog::is_whole() const
{
    // A folder without files may be one that is not mounted.
    const auto& files = parts_->files;
    return parts_->folder_problem.empty() && !files.empty() &&
           std::all_of(files.begin(), files.end(), [](const auto& f) { return f.second->shown.dag != nullptr; });
}

void dag_catalog::on_change(std::function<void()> listener)
{
    parts_->listeners.push_back(std::move(listener));
}

std::string dag_catalog::watched_by() const
{
    const auto& why_not = parts_->watch.why_not();
    return why_not.empty() ? "inotify" : fmt::format("poll: {}", why_not);
}

std::optional<steady_time> dag_catalog::last_look() const noexcept
{
    return parts_->last_look;
}

} // namespace potoo::server
