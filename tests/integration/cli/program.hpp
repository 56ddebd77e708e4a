#pragma once
// The built program, run as a user runs it: in a directory of its own, with its output caught.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace potoo::cli::test {

/// An empty directory that the test's programs run in.
class workspace
{
  public:
    workspace();
    ~workspace();

    workspace(const workspace&) = delete;
    workspace& operator=(const workspace&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Folders in the name are made.
    void write(const std::string& name, std::string_view text) const;

    [[nodiscard]] std::string read(const std::string& name) const;

    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }

  private:
    std::filesystem::path path_;
};

struct result
{
    int code = -1; ///< exit code, or minus the signal
    std::string out;
    std::string err;
};

struct start_options
{
    std::string input;                              ///< on standard input
    std::map<std::string, std::string> environment; ///< beside a plain one
    std::vector<int> ignored_signals;               ///< as a parent such as `nohup` leaves them
    bool terminal = false;      ///< standard error and output are a terminal of 80 × 24; `out` has both
    bool output_closed = false; ///< standard output is a pipe that nobody reads
};

/// A program that is running. Killed when it is destroyed first.
class program
{
  public:
    program(const workspace& where, std::vector<std::string> arguments, start_options options = {});
    ~program();

    program(const program&) = delete;
    program& operator=(const program&) = delete;

    void signal(int number) const;

    /// Reads until standard output (or the terminal) and standard error together hold `text`. @return false when the
    /// program ended without it
    [[nodiscard]] bool wait_for(std::string_view text);

    /// What standard error held by then.
    [[nodiscard]] const std::string& told() const noexcept { return result_.err; }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Types into the terminal.
    void type(std::string_view keys) const;

    /// Waits for its end.
    [[nodiscard]] result finish();

  private:
    bool read_some(int timeout_ms);

    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    result result_;
};

/// Runs `potoo` to its end.
[[nodiscard]] result run_potoo(const workspace& where, std::vector<std::string> arguments, start_options options = {});

/// The id of the latest run of a workspace.
[[nodiscard]] std::string latest_run(const workspace& where);

} // namespace potoo::cli::test
