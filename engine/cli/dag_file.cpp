#include "engine/cli/dag_file.hpp"

#include "engine/cli/error_report.hpp"
#include "engine/cli/file_text.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/host.hpp"

#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace potoo::cli {

namespace {

void load_one(const std::filesystem::path& plugin, std::string& problems)
{
    static std::set<std::filesystem::path> loaded;
    try {
        if (loaded.insert(std::filesystem::absolute(plugin).lexically_normal()).second)
            host::load_plugin(std::filesystem::absolute(plugin));
    } catch (const std::exception& e) {
        problems += fmt::format("potoo: error: {}\n", e.what());
    }
}

} // namespace

dag_file read_dag_file(const std::string& file)
{
    dag_file result;
    result.name = file == "-" ? "stdin" : file;
    result.text = read_text(file, graph::max_source_size);
    result.directory = file == "-" ? std::filesystem::path() : std::filesystem::path(file).parent_path();
    return result;
}

void load_plugins(const std::vector<std::string>& given, const std::vector<std::string>& of_dag,
                  const std::filesystem::path& directory)
{
    std::string problems;
    std::set<std::filesystem::path> names;
    for (const std::string& p : given) {
        names.insert(std::filesystem::path(p).filename());
        load_one(p, problems);
    }
    for (const std::string& p : of_dag)
        if (!names.contains(std::filesystem::path(p).filename()))
            load_one(directory / p, problems);
    if (!problems.empty())
        throw usage_error(problems);
    for (const std::string& problem : operators().problems())
        report_text(fmt::format("potoo: warning: {}\n", problem));
}

graph::load_result check_dag_file(dag_file file, const std::vector<std::string>& plugins,
                                  const graph::load_options& options)
{
    load_plugins(plugins, graph::plugins_of(file.text, file.name), file.directory);
    return graph::load_dag(std::move(file.text), std::move(file.name), operators(), options);
}

std::shared_ptr<const graph::dag> load_dag_file(const std::string& file, const std::vector<std::string>& plugins,
                                                const graph::load_options& options)
{
    graph::load_result loaded = check_dag_file(read_dag_file(file), plugins, options);
    if (!loaded.value)
        throw usage_error(graph::format_diagnostics(loaded));
    return std::move(loaded.value);
}

} // namespace potoo::cli
