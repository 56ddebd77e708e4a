#pragma once
/// @file
/// What lies in the DAG folder. These functions block: they are for `blocking`.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Differs whenever a file has been written to or replaced.
struct file_stamp
{
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0; ///< nanoseconds
    std::int64_t changed = 0;  ///< nanoseconds; of the inode

    friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

struct file_seen
{
    std::string name; ///< relative to the folder
    file_stamp stamp;
};

struct folder_view
{
    std::vector<file_seen> files;               ///< in order of name
    std::vector<std::filesystem::path> folders; ///< the folder itself and those in it that were looked into
    std::string problem;                        ///< why it is not the whole, first of all
    std::vector<std::string> unseen;            ///< prefixes of names that were not looked at; empty text = any
};

/// Whether a file that is not among `files` is really gone.
[[nodiscard]] bool is_gone(const folder_view& view, std::string_view name);

/// Neither hidden nor left there by an editor, and with a suffix of DAG files.
[[nodiscard]] bool is_dag_file_name(std::string_view name);

/// `NAME.generator.yaml`, `.yml` or `.json`.
[[nodiscard]] bool is_generator_name(std::string_view name);

/// Without its folders, its suffix and `.generator`.
[[nodiscard]] std::string stem_of(std::string_view name);

/// DAG files and generators. Links to files are followed, links to folders are not.
[[nodiscard]] folder_view look_through(const std::filesystem::path& folder, std::size_t max_files);

struct file_read
{
    std::string name;
    file_stamp stamp;
    std::string text;
    std::string problem;   ///< why it could not be read
    bool changing = false; ///< it was written to meanwhile: `text` may be half of it
};

[[nodiscard]] file_read read_dag_file(const std::filesystem::path& folder, const std::string& name,
                                      std::size_t max_size);

} // namespace potoo::server
