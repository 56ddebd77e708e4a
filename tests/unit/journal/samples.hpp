#pragma once
/// @file
/// What the tests of the journal write: runs, records, and directories to write them in.

#include "engine/journal/record.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace potoo::journal::samples {

/// Where there is one, a place in memory: these tests make hundreds of journals, and no power fails.
inline std::filesystem::path scratch_parent()
{
    const std::filesystem::path in_memory = "/dev/shm";
    return std::filesystem::is_directory(in_memory) ? in_memory : std::filesystem::temp_directory_path();
}

/// A state directory of its own, gone with it.
class scratch_dir
{
  public:
    scratch_dir()
    {
        auto pattern = (scratch_parent() / "potoo-journal-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::runtime_error("no temporary directory");
        path_ = pattern;
    }

    scratch_dir(const scratch_dir&) = delete;
    scratch_dir& operator=(const scratch_dir&) = delete;

    ~scratch_dir()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] state_layout layout() const { return state_layout(path_); }

  private:
    std::filesystem::path path_;
};

inline wall_time instant(std::int64_t ms)
{
    return wall_time(std::chrono::milliseconds(1'795'248'000'000 + ms));
}

inline std::shared_ptr<const dag_document> sample_dag(std::vector<std::string> tasks = {"list", "align", "merge"})
{
    auto dag = std::make_shared<dag_document>();
    dag->name = "nightly";
    dag->source_name = "nightly.yaml";
    dag->source = "tasks: {}\n";
    dag->hash = 0xfedcba9876543210U;
    dag->tasks = std::move(tasks);
    return dag;
}

inline new_run sample_run(run_number number, std::string id, std::shared_ptr<const dag_document> dag = sample_dag())
{
    new_run run;
    run.number = number;
    run.id = run_id(std::move(id));
    run.dag = std::move(dag);
    run.params = R"({"cohort":"a"})";
    run.owner = "engine-1";
    run.epoch = 3;
    run.created = instant(0);
    return run;
}

inline record of_run(record_kind kind, run_number run, std::int64_t at = 0, recorded_state state = recorded_state::none)
{
    record r;
    r.run = run;
    r.kind = kind;
    r.state = state;
    r.at = instant(at);
    r.epoch = 3;
    return r;
}

inline record of_item(record_kind kind, std::uint32_t task, std::uint32_t item, std::uint32_t attempt, std::int64_t at)
{
    auto r = of_run(kind, run_number(1), at);
    r.task = task_index(task);
    r.item = item_index(item);
    r.attempt = attempt_number(attempt);
    return r;
}

inline record ended(std::uint32_t task, std::uint32_t item, std::uint32_t attempt, recorded_state state,
                    std::int64_t at, std::string data = {})
{
    auto r = of_item(record_kind::attempt_ended, task, item, attempt, at);
    r.state = state;
    r.number = 5;
    r.data = std::move(data);
    return r;
}

/// A batch with one run, number 1, and these records.
inline batch run_with(std::vector<record> records, std::shared_ptr<const dag_document> dag = sample_dag())
{
    batch b;
    b.runs.push_back(sample_run(run_number(1), "kq3v9z01abcd", std::move(dag)));
    b.records = std::move(records);
    return b;
}

inline std::vector<record> records_of(reader& r, run_number run, record_seq from = record_seq(0))
{
    std::vector<record> result;
    r.records(run, from, [&](record_seq, const record& value) {
        result.push_back(value);
        return true;
    });
    return result;
}

inline std::vector<log_chunk> logs_of(reader& r, const log_filter& filter)
{
    std::vector<log_chunk> result;
    r.logs(filter, [&](std::uint64_t, const log_chunk& value) {
        result.push_back(value);
        return true;
    });
    return result;
}

} // namespace potoo::journal::samples
