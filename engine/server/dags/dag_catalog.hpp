#pragma once
/// @file
/// The DAGs of a folder, kept up to date. A file that changes is validated and counts for new runs; while it is broken
/// its last good version goes on, and what is wrong is kept beside it. A file that is gone takes its DAG with it.
///
/// Every `.yaml`, `.yml` and `.json` file of the folder and its sub-folders is a DAG file, but for hidden ones (`.x`),
/// those of editors (`x~`, `#x#`, `.x.swp`), and `NAME.generator.yaml` (or `.yml`, `.json`), which names a program that
/// prints a DAG (dag_generator.hpp).

#include "engine/graph/dag.hpp"
#include "engine/runtime/ledger.hpp"
#include "engine/server/dags/dag_source.hpp"

#include <potoo/loop.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

struct catalog_settings
{
    std::filesystem::path folder;
    std::function<void(std::string_view)> say; ///< for the server's log: one line a call, without its end; may be empty
    std::function<void(std::string_view)> warn{}; ///< the same of what is wrong
    /// Loads a plugin that a DAG file names, a second time without effect. @throws std::exception
    std::function<void(const std::filesystem::path&)> load_plugin{};
    std::vector<std::string> environment{}; ///< of generators, `NAME=value`
    /// Names of the secrets that are there without a DAG's saying so; may be empty. Asked for each file.
    std::function<std::vector<std::string>()> secrets{};
    duration quiet{150};            ///< a file is read when it has not changed for so long
    duration poll{60'000};          ///< the folder is looked through so often without being told
    duration poll_unwatched{2'000}; ///< the same where the system does not tell of changes
    bool watch = true;              ///< false: never ask the system
    std::size_t max_file_size = std::size_t{64} << 20;
    std::size_t max_files = 20'000;
};

class dag_catalog final : public dag_source
{
  public:
    /// One file. Views and pointers to it are good until the next change.
    struct entry
    {
        std::string name;                      ///< of the DAG; before it could be read, the file's stem
        std::string file;                      ///< relative to the folder
        std::shared_ptr<const graph::dag> dag; ///< the last good version; may be null
        std::uint64_t hash = 0;                ///< of that version's source; 0 without one
        std::string problems;                  ///< whole lines about the present version; empty = it is good
        wall_time loaded{};                    ///< when the present version was read
        bool paused = false;
        bool generated = false; ///< the file names a program that prints the DAG
    };

    /// Everything must outlive it. @param memory where pauses are kept, kind `dag`
    dag_catalog(potoo::loop& l, const operator_registry& operators, process_runner& processes, runtime::ledger& memory,
                catalog_settings settings);
    ~dag_catalog() override;

    /// Reads everything that is there. Before anything else; generators run in `keep`.
    /// @throws std::exception when the folder cannot be read
    [[nodiscard]] task<> load();

    /// Follows the folder until it is told to stop.
    [[nodiscard]] task<> keep();

    /// Looks through the folder now.
    [[nodiscard]] task<> look();

    /// The same, and reads also what has not changed: what DAGs may refer to has.
    [[nodiscard]] task<> reread();

    /// The file whose DAG has that name; else the first that is meant to have it and cannot be read. Null for none.
    [[nodiscard]] const entry* find(std::string_view name) const;

    /// In order of name, then file. Of two files with one DAG name, the later one says so in `problems` and has no DAG.
    [[nodiscard]] std::vector<const entry*> list() const;

    /// A DAG that is paused starts no runs by itself. Durable when it returns. The name need not be there.
    [[nodiscard]] task<> set_paused(std::string name, bool paused);

    [[nodiscard]] std::vector<startable_dag> startable() const override;
    [[nodiscard]] startable_dag startable(std::string_view name) const override;
    [[nodiscard]] bool is_whole() const override;
    void on_change(std::function<void()> listener) override;

    /// How the folder is followed: `inotify`, or `poll` with the reason. For health and logs.
    [[nodiscard]] std::string watched_by() const;

    /// When the folder was last looked through to its end.
    [[nodiscard]] std::optional<steady_time> last_look() const noexcept;

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::server
