#pragma once
/// @file
/// The directory in which an engine keeps its state.

#include <filesystem>
#include <string>
#include <utility>

namespace potoo::journal {

/// Names in a state directory. Nothing is touched by making one.
class state_layout
{
  public:
    explicit state_layout(std::filesystem::path directory) : directory_(std::move(directory)) {}

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    [[nodiscard]] std::filesystem::path database() const { return directory_ / "potoo.db"; }

    [[nodiscard]] std::filesystem::path mark() const { return directory_ / "potoo.mark"; }

    [[nodiscard]] std::filesystem::path lock() const { return directory_ / "lock"; }

    [[nodiscard]] std::filesystem::path control_socket() const { return directory_ / "control.sock"; }

  private:
    std::filesystem::path directory_;
};

/// The exclusive right to write in a state directory, for as long as it lives. The right ends with the process, however
/// that ends.
class state_lock
{
  public:
    /// Creates the directory (mode 0700) when it is not there; its parents too.
    /// @throws store_error `locked` naming the process that holds it, `read_only`, `full` or `io`
    [[nodiscard]] static state_lock acquire(const state_layout& layout);

    /// Is some engine alive on it? Only a moment's truth.
    [[nodiscard]] static bool is_held(const state_layout& layout);

    state_lock(state_lock&& other) noexcept;
    state_lock& operator=(state_lock&& other) noexcept;
    ~state_lock();

  private:
    explicit state_lock(int descriptor) noexcept : descriptor_(descriptor) {}

    int descriptor_;
};

} // namespace potoo::journal
