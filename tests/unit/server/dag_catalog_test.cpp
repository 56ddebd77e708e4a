#include "engine/server/dags/dag_catalog.hpp"

#include "engine/server/dags/dag_generator.hpp"
#include "engine/server/dags/folder_view.hpp"
#include "engine/server/dags/folder_watch.hpp"

#include "engine/host/config_document.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/process/local_process_runner.hpp"
#include "tests/unit/host/scratch_state.hpp"
#include "tests/unit/server/schedule_world.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

const operator_registry& known_operators()
{
    static operator_registry registry;
    static const bool filled = [] {
        registry.add("noop", nullptr, {.schema = R"({"type": "object"})"});
        return true;
    }();
    static_cast<void>(filled);
    return registry;
}

std::string dag_text(const std::string& name, const std::string& task = "a")
{
    return "name: " + name + "\ntasks: {" + task + ": {operator: noop}}\n";
}

struct catalog_world
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    process::local_process_runner processes{loop};
    fuse burning;
    memory_ledger ledger{burning};
    host::test::scratch_state scratch;
    fs::path folder = scratch.path() / "dags";
    std::vector<std::string> said;
    std::size_t changes = 0;
    std::vector<std::string> plugins;
    std::unique_ptr<dag_catalog> catalog;
    std::unique_ptr<potoo::test::runner<void>> keeping;

    catalog_world() { fs::create_directory(folder); }

    ~catalog_world()
    {
        keeping.reset();
        catalog.reset();
    }

    template <class Condition>
    void run_until(Condition done)
    {
        context.restart();
        while (!done())
            if (context.run_one() == 0)
                throw std::logic_error("nothing is left to wait for");
    }

    void carry_out(task<> t)
    {
        potoo::test::runner<void> r(loop, std::move(t));
        run_until([&] { return r.ended(); });
        r.take();
    }

    void open(bool watch = true)
    {
        catalog_settings settings;
        settings.folder = folder;
        settings.say = [this](std::string_view line) { said.emplace_back(line); };
        settings.warn = settings.say;
        settings.environment = {"PATH=/usr/bin:/bin"};
        settings.quiet = 1ms;
        settings.poll_unwatched = 1ms;
        settings.max_file_size = 4096;
        settings.watch = watch;
        settings.load_plugin = [this](const fs::path& p) {
            plugins.push_back(p.lexically_relative(folder).string());
            if (p.filename() == "bad.so")
                throw std::runtime_error("no such file");
        };
        catalog = std::make_unique<dag_catalog>(loop, known_operators(), processes, ledger, std::move(settings));
        catalog->on_change([this] { ++changes; });
        carry_out(catalog->load());
    }

    void keep() { keeping = std::make_unique<potoo::test::runner<void>>(loop, catalog->keep()); }

    void look() { carry_out(catalog->look()); }

    void write(const std::string& name, const std::string& text) const
    {
        fs::create_directories((folder / name).parent_path());
        std::ofstream(folder / name, std::ios::binary) << text;
    }

    /// As editors do that keep the old file until the new one is whole.
    void replace(const std::string& name, const std::string& text) const
    {
        write(".new", text);
        fs::rename(folder / ".new", folder / name);
    }

    [[nodiscard]] std::string names() const
    {
        std::string out;
        for (const auto* e : catalog->list())
            out += (out.empty() ? "" : " ") + e->name + (e->dag ? "" : "?") + (e->problems.empty() ? "" : "!");
        return out;
    }

    [[nodiscard]] bool has(const std::string& name, const std::string& task) const
    {
        const auto* e = catalog->find(name);
        return e && e->dag && e->dag->find(task);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(catalog_of_dags, catalog_world)

BOOST_AUTO_TEST_CASE(every_dag_file_below_the_folder_is_read)
{
    write("b.yaml", dag_text("bee"));
    write("a.yml", "tasks: {a: {operator: noop}}\n");
    write("deep/er/c.json", R"({"name": "sea", "tasks": {"a": {"operator": "noop"}}})");
    for (const char* ignored :
         {".hidden.yaml", "a.yaml~", ".b.yaml.swp", "#b.yaml#", "b.yaml.bak", "notes.txt", ".git/d.yaml", "4913"})
        write(ignored, dag_text("ignored"));
    fs::create_directory(folder / "folder.yaml");
    fs::create_symlink(folder / "deep", folder / "again");
    ::mkfifo((folder / "pipe.yaml").c_str(), 0600);
    open();
    BOOST_TEST(names() == "a bee sea");
    BOOST_TEST(catalog->find("sea")->file == "deep/er/c.json");
    BOOST_TEST(catalog->find("sea")->hash == catalog->find("sea")->dag->hash);
    BOOST_TEST(catalog->startable().size() == 3u);
    BOOST_TEST(!catalog->startable("nobody").dag);
    BOOST_TEST(!catalog->find("nobody"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_refused)
{
    fs::remove(folder);
    BOOST_CHECK_THROW(open(), std::runtime_error);
    std::ofstream(folder.string()) << "x";
    BOOST_CHECK_THROW(open(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_changed_file_counts_from_then_on)
{
    write("a.yaml", dag_text("a", "first"));
    open();
    const auto before = catalog->find("a")->dag;
    const auto told = changes;
    replace("a.yaml", dag_text("a", "second"));
    look();
    BOOST_TEST(has("a", "second"));
    BOOST_TEST(before->find("first").has_value());
    BOOST_TEST(changes == told + 1);
    replace("a.yaml", dag_text("a", "second"));
    look();
    BOOST_TEST(changes == told + 1);
}

BOOST_AUTO_TEST_CASE(a_broken_file_keeps_its_last_good_version)
{
    write("a.yaml", dag_text("a", "good"));
    write("new.yaml", "tasks: {x: {operator: nop}}\n");
    open();
    BOOST_TEST(names() == "a new?!");
    BOOST_TEST(catalog->find("new")->problems.find("unknown operator") != std::string::npos);
    write("a.yaml", "name: a\ntasks: {good: {operator: noop, neds: x}}\n");
    look();
    BOOST_TEST(names() == "a! new?!");
    BOOST_TEST(has("a", "good"));
    BOOST_TEST(catalog->find("a")->problems.find("a.yaml:2:32: error: unknown key `neds`") != std::string::npos);
    BOOST_TEST(catalog->startable("a").dag);
    write("a.yaml", dag_text("a", "better"));
    look();
    BOOST_TEST(has("a", "better"));
    BOOST_TEST(catalog->find("a")->problems == "");
    // Back to what it was before it broke.
    write("a.yaml", "nonsense");
    look();
    write("a.yaml", dag_text("a", "better"));
    look();
    BOOST_TEST(catalog->find("a")->problems == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_takes_its_dag_with_it)
{
    write("a.yaml", dag_text("a"));
    write("b.yaml", dag_text("b"));
    open();
    fs::remove(folder / "a.yaml");
    look();
    BOOST_TEST(names() == "b");
    BOOST_TEST(!catalog->startable("a").dag);
}

BOOST_AUTO_TEST_CASE(a_renamed_file_keeps_its_dag)
{
    write("a.yaml", dag_text("x"));
    open();
    fs::rename(folder / "a.yaml", folder / "b.yaml");
    look();
    BOOST_TEST(names() == "x");
    BOOST_TEST(catalog->find("x")->file == "b.yaml");
}

BOOST_AUTO_TEST_CASE(it_is_whole_when_every_file_has_its_dag)
{
    open();
    BOOST_TEST(!catalog->is_whole()); // as if nothing were mounted
    write("a.yaml", dag_text("a"));
    look();
    BOOST_TEST(catalog->is_whole());
    write("b.yaml", "tasks: {");
    look();
    BOOST_TEST(!catalog->is_whole());
    write("b.yaml", dag_text("b"));
    look();
    BOOST_TEST(catalog->is_whole());
    write("b.yaml", "tasks: {"); // its last good version stays
    look();
    BOOST_TEST(catalog->is_whole());
}

BOOST_AUTO_TEST_CASE(problems_have_paths_within_the_folder)
{
    write("sub/a.yaml", "tasks: {a: {operator: nop}}\n");
    write("b.yaml", dag_text("x"));
    write("c.yaml", dag_text("x"));
    write("long.yaml", dag_text("long") + "# " + std::string(5000, 'x') + "\n");
    write("sub/p.yaml", "plugins: [bad.so]\n" + dag_text("p"));
    write("bad.generator.yaml", "exec: ls\n");
    write("none.generator.yaml", "exec: [./nothing]\n");
    write("dag.generator.yaml", R"(exec: [echo, "tasks: {a: {operator: nop}}"])");
    open();
    keep();
    const auto problems = [&](const char* name) { return catalog->find(name)->problems; };
    run_until([&] { return !problems("none").empty() && !problems("dag").empty(); });
    BOOST_TEST(problems("a").starts_with("sub/a.yaml:1:"));
    BOOST_TEST(problems("p").starts_with("sub/p.yaml: error: plugin bad.so: "));
    for (const auto* e : catalog->list())
        BOOST_TEST(e->problems.find(folder.string()) == std::string::npos, e->problems);
    for (const auto& line : said)
        BOOST_TEST(line.find(folder.string()) == std::string::npos, line);
    BOOST_TEST(catalog->find("x")->dag->source_name == (folder / "b.yaml").string());
}

BOOST_AUTO_TEST_CASE(of_two_files_with_one_name_the_later_is_in_the_wrong)
{
    write("b.yaml", dag_text("x", "of_b"));
    open();
    write("a.yaml", dag_text("x", "of_a"));
    write("c.yaml", dag_text("x", "of_c"));
    look();
    BOOST_TEST(names() == "x?! x x?!");
    BOOST_TEST(has("x", "of_b"));
    const auto& problems = catalog->list()[0]->problems;
    BOOST_TEST(problems.find("a.yaml: error: the DAG `x` is in ") != std::string::npos);
    BOOST_TEST(problems.find("b.yaml already: give one of them another `name`") != std::string::npos);
    BOOST_TEST(catalog->startable().size() == 1u);
    fs::remove(folder / "b.yaml");
    look();
    BOOST_TEST(names() == "x x?!");
    BOOST_TEST(has("x", "of_a"));
    write("c.yaml", dag_text("y", "of_c"));
    look();
    BOOST_TEST(names() == "x y");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_so)
{
    write("long.yaml", dag_text("long") + "# " + std::string(5000, 'x') + "\n");
    fs::create_symlink(folder / "nowhere", folder / "dangling.yaml");
    open();
    BOOST_TEST(names() == "long?!");
    BOOST_TEST(catalog->find("long")->problems.find("the file is too long: at most 4096 bytes are read") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(problems_of_a_file_that_is_no_utf8_are)
{
    write("a.yaml", "name: a\ntasks: {caf\xe9: {operator: noop}}\n");
    open();
    BOOST_TEST(names() == "a?!");
    const std::string& problems = catalog->find("a")->problems;
    BOOST_TEST(problems.find("caf\xef\xbf\xbd") != std::string::npos, problems);
    BOOST_TEST(problems.find('\xe9') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(plugins_are_loaded_before_the_dag)
{
    write("sub/a.yaml", "plugins: [lib/mine.so]\n" + dag_text("a"));
    write("b.yaml", "plugins: bad.so\n" + dag_text("b"));
    open();
    BOOST_TEST(names() == "a b?!");
    BOOST_TEST((plugins == std::vector<std::string>{"bad.so", "sub/lib/mine.so"}));
    BOOST_TEST(catalog->find("b")->problems.find("b.yaml: error: plugin bad.so: no such file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_pause_outlives_the_server)
{
    write("a.yaml", dag_text("a"));
    open();
    const auto told = changes;
    carry_out(catalog->set_paused("a", true));
    BOOST_TEST(catalog->find("a")->paused);
    BOOST_TEST(catalog->startable("a").paused);
    BOOST_TEST(changes == told + 1);
    open();
    BOOST_TEST(catalog->find("a")->paused);
    carry_out(catalog->set_paused("a", false));
    BOOST_TEST(!catalog->find("a")->paused);
    open();
    BOOST_TEST(!catalog->find("a")->paused);
}

BOOST_AUTO_TEST_CASE(a_dag_of_which_the_ledger_cannot_be_read_is_paused)
{
    write("a.yaml", dag_text("a"));
    write("b.yaml", dag_text("b"));
    write("c.yaml", dag_text("c"));
    ledger.damaged.emplace("dag", "a");
    ledger.entries[{"dag", "b"}] = json::value("odd");
    open();
    BOOST_TEST(catalog->find("a")->paused);
    BOOST_TEST(catalog->find("b")->paused);
    BOOST_TEST(!catalog->find("c")->paused);
    for (const char* part : {"DAG `a`: what the state directory says", "DAG `b`: what the state directory says"})
        BOOST_TEST(std::count_if(said.begin(), said.end(),
                                 [&](const std::string& line) { return line.starts_with(part); }) == 1);
    BOOST_TEST((ledger.entries.at({"dag", "b"}) == json::value("odd")));
    carry_out(catalog->set_paused("b", false));
    BOOST_TEST(!catalog->find("b")->paused);
}

BOOST_AUTO_TEST_CASE(changes_are_noticed_when_the_system_tells)
{
    open();
    BOOST_TEST(catalog->watched_by() == "inotify");
    keep();
    write("a.yaml", dag_text("a", "first"));
    run_until([&] { return has("a", "first"); });
    replace("a.yaml", dag_text("a", "second"));
    run_until([&] { return has("a", "second"); });
    write("new/folder/b.yaml", dag_text("b"));
    run_until([&] { return has("b", "a"); });
    replace("new/folder/b.yaml", dag_text("b", "moved_in"));
    run_until([&] { return has("b", "moved_in"); });
    fs::rename(folder / "new", folder / "old");
    run_until([&] { return catalog->find("b") && catalog->find("b")->file == "old/folder/b.yaml"; });
    fs::remove_all(folder / "old");
    run_until([&] { return !catalog->find("b"); });
    BOOST_TEST(names() == "a");
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_away_for_a_while_takes_nothing_with_it)
{
    write("a.yaml", dag_text("a", "first"));
    open();
    keep();
    const auto aside = scratch.path() / "aside";
    fs::rename(folder, aside);
    run_until([&] { return !said.empty() && said.back().find("cannot be read") != std::string::npos; });
    BOOST_TEST(has("a", "first"));
    fs::rename(aside, folder);
    replace("a.yaml", dag_text("a", "second"));
    run_until([&] { return has("a", "second"); });
}

BOOST_AUTO_TEST_CASE(what_could_not_be_looked_at_is_not_taken_for_gone)
{
    folder_view view;
    view.files = {{"a.yaml", {}}, {"c.yaml", {}}};
    view.unseen = {"closed/"};
    BOOST_TEST(!is_gone(view, "a.yaml"));
    BOOST_TEST(is_gone(view, "b.yaml"));
    BOOST_TEST(!is_gone(view, "closed/b.yaml"));
    view.unseen = {""};
    BOOST_TEST(!is_gone(view, "b.yaml"));
}

BOOST_AUTO_TEST_CASE(changes_are_noticed_without_the_system)
{
    open(false);
    BOOST_TEST(catalog->watched_by() == "poll: it was told not to ask the system");
    keep();
    write("a.yaml", dag_text("a", "first"));
    run_until([&] { return has("a", "first"); });
    fs::remove(folder / "a.yaml");
    run_until([&] { return !catalog->find("a"); });
}

BOOST_AUTO_TEST_CASE(a_file_that_is_being_written_is_left_alone)
{
    folder_watch watch(loop, folder, true);
    watch.follow({folder});
    std::ofstream file(folder / "a.yaml");
    file << "name: a\n" << std::flush;
    carry_out(watch.changed(loop.now()));
    BOOST_TEST(watch.being_written(folder / "a.yaml"));
    file << "tasks: {}\n";
    file.close();
    carry_out(watch.changed(loop.now()));
    BOOST_TEST(!watch.being_written(folder / "a.yaml"));
}

BOOST_AUTO_TEST_CASE(a_generator_prints_its_dag)
{
    write("made.generator.yaml", "exec: [./print, made]\nevery: 1s\n");
    write("print", "#!/bin/sh\necho \"tasks: {of_$1: {operator: noop}}\"\n");
    fs::permissions(folder / "print", fs::perms::owner_all);
    open();
    BOOST_TEST(names() == "made?");
    keep();
    run_until([&] { return has("made", "of_made"); });
    BOOST_TEST(catalog->find("made")->generated);
    BOOST_TEST(catalog->find("made")->problems == "");
    // Another argument counts at once.
    replace("made.generator.yaml", "exec: [./print, again]\n");
    run_until([&] { return has("made", "of_again"); });
    fs::remove(folder / "made.generator.yaml");
    run_until([&] { return !catalog->find("made"); });
}

BOOST_AUTO_TEST_CASE(a_generator_that_fails_keeps_its_last_good_dag)
{
    write("made.generator.yaml", "exec: [cat, source]\nevery: 1s\n");
    write("source", dag_text("other_name"));
    open();
    keep();
    run_until([&] { return has("other_name", "a"); });
    fs::remove(folder / "source");
    run_until([&] { return !catalog->find("other_name")->problems.empty(); });
    const auto* e = catalog->find("other_name");
    BOOST_TEST(e->problems.find("made.generator.yaml: error: the program ended with exit code 1\n") !=
               std::string::npos);
    BOOST_TEST(e->problems.find("source") != std::string::npos);
    BOOST_TEST(e->dag);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_generator_is_shown)
{
    write("slow.generator.yaml", "exec: [sleep, \"100\"]\ntimeout: 10ms\n");
    write("none.generator.yaml", "exec: [./nothing]\n");
    write("bad.generator.yaml", "exec: ls\nevry: 5m\n");
    write("dag.generator.json", R"({"exec": ["echo", "tasks: {a: {operator: nop}}"]})");
    open();
    keep();
    const auto problems = [&](const char* name) { return catalog->find(name)->problems; };
    run_until([&] { return !problems("slow").empty() && !problems("none").empty() && !problems("dag").empty(); });
    BOOST_TEST(problems("slow").ends_with("slow.generator.yaml: error: the program did not end within 10ms\n"));
    BOOST_TEST(problems("none").find("nothing") != std::string::npos);
    BOOST_TEST(problems("bad").find("bad.generator.yaml:1:7: error: `exec` must be a list") != std::string::npos);
    BOOST_TEST(problems("bad").find("did you mean `every`?") != std::string::npos);
    BOOST_TEST(problems("dag").find("unknown operator") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_of_files_say_what_they_are)
{
    BOOST_TEST(is_dag_file_name("a.yaml"));
    BOOST_TEST(!is_dag_file_name(".yaml"));
    BOOST_TEST(!is_dag_file_name("a.yaml~"));
    BOOST_TEST(is_generator_name("x/a.generator.yml"));
    BOOST_TEST(!is_generator_name("x/.generator.yml"));
    BOOST_TEST(!is_generator_name("generator.yml"));
    BOOST_TEST(stem_of("x/a.b.generator.yml") == "a.b");
    BOOST_TEST(stem_of("x/a.b.yml") == "a.b");
}

BOOST_AUTO_TEST_SUITE_END()
