#include "engine/process/program_lookup.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace potoo::process {

namespace {

constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";

std::string_view search_path(const std::vector<std::string>& environment)
{
    constexpr std::string_view prefix = "PATH=";
    for (const std::string& variable : environment)
        if (variable.starts_with(prefix))
            return std::string_view(variable).substr(prefix.size());
    return usual_path;
}

std::string seen_from(const std::string& directory, const std::string& path)
{
    return path.starts_with('/') || directory.empty() ? path : directory + "/" + path;
}

bool is_directory(const std::string& path)
{
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_executable_file(const std::string& path)
{
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 && !is_directory(path);
}

bool exists(const std::string& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

std::string find_program(const program_place& where)
{
    if (where.name.empty())
        throw failure("cannot start a program without a name", "cannot_start");
    if (where.name.find('/') != std::string::npos)
        return where.name;
    const std::string_view path = search_path(where.environment);
    std::string refused;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find(':', begin), path.size());
        const std::string_view folder = path.substr(begin, end - begin);
        const std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, where.name);
        const std::string seen = seen_from(where.directory, candidate);
        if (is_executable_file(seen))
            return candidate;
        if (refused.empty() && exists(seen) && !is_directory(seen))
            refused = seen;
        begin = end + 1;
    }
    if (!refused.empty())
        throw failure(fmt::format("cannot start `{}`: permission denied: {} is not executable", where.name, refused),
                      "cannot_start");
    throw failure(fmt::format("cannot start `{}`: no such file in PATH ({})", where.name, path), "cannot_start");
}

std::string explain_exec_error(const program_place& where, const std::string& path, int error)
{
    const std::string seen = seen_from(where.directory, path);
    switch (error) {
    case ENOENT:
        return exists(seen) ? "the interpreter that its first line (#!) or its header names does not exist"
                            : "no such file";
    case EACCES:
        if (is_directory(seen))
            return "it is a directory";
        return exists(seen) ? "permission denied: it is not executable" : "permission denied";
    case ENOEXEC:
        return "it is no program: a script needs a first line such as #!/bin/sh";
    case E2BIG:
        return "its arguments and environment are too long; pass large values by standard input or a file";
    default:
        return std::system_category().message(error);
    }
}

} // namespace potoo::process
