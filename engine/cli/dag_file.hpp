#pragma once
/// @file
/// The DAG file named on the command line.

#include "engine/graph/load.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace potoo::cli {

struct dag_file
{
    std::string name; ///< as given; `stdin` for `-`
    std::string text;
    std::filesystem::path directory; ///< its `plugins` are relative to this
};

/// @param file `-` is standard input
/// @throws usage_error when it cannot be read
[[nodiscard]] dag_file read_dag_file(const std::string& file);

/// Loads the operators of plugins: those given, relative to the current directory, then those that a DAG names,
/// relative to `directory`. One of the DAG's whose file name is among those given is taken as that.
/// @throws usage_error that names every plugin that cannot be loaded
void load_plugins(const std::vector<std::string>& given, const std::vector<std::string>& of_dag = {},
                  const std::filesystem::path& directory = {});

/// Loads the file's plugins, then checks the file. @throws usage_error about a plugin
[[nodiscard]] graph::load_result check_dag_file(dag_file file, const std::vector<std::string>& plugins,
                                                const graph::load_options& options = {});

/// The same when only a good DAG is of use. @throws usage_error with all problems
[[nodiscard]] std::shared_ptr<const graph::dag>
load_dag_file(const std::string& file, const std::vector<std::string>& plugins, const graph::load_options& options);

} // namespace potoo::cli
