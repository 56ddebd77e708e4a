#pragma once
/// @file
/// The settings under which a task's remote system is reached: those of the connection that it names.

#include <potoo/context.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo {

/// Reads a connection setting by setting. Which one: the task's `with.connection`; without it, the one that is called
/// like the type, if there is one; else there is none, and nothing is set. Every function throws `fatal` that names the
/// connection and the setting when it is of the wrong kind, and never its value where it should be text.
///
/// @code
/// connection_reader c(ctx, "slurm");
/// url = c.text("url").value_or(from_environment);
/// c.read_limits(requests, polls);
/// c.finish();
/// @endcode
class connection_reader
{
  public:
    /// @param type an operator's name; must outlive the reader
    /// @throws fatal `no_connection` when the task names one that is not there; when its `type` is another
    connection_reader(context& ctx, std::string_view type);

    [[nodiscard]] bool given() const noexcept { return settings_ != nullptr; }

    /// Of any kind; null when it is not set.
    [[nodiscard]] const json::value* value(std::string_view setting);

    [[nodiscard]] std::optional<std::string> text(std::string_view setting);
    [[nodiscard]] std::optional<bool> flag(std::string_view setting);

    /// A whole number from 1 to `most`. @param why_most said behind the range when it is out of it
    [[nodiscard]] std::optional<std::size_t> count(std::string_view setting, std::size_t most,
                                                   std::string_view why_most = {});

    /// A number a second: 0, for no limit, or at least 0.001.
    [[nodiscard]] std::optional<double> rate(std::string_view setting);

    /// `concurrency` and `per_second` of requests, `poll_concurrency` and `polls_per_second`: what is not set stays as
    /// it is.
    void read_limits(request_gate::limits& requests, watcher::limits& polls);

    /// @throws fatal when a setting is there that was not asked for, naming those that were
    void finish() const;

  private:
    /// As messages begin.
    [[nodiscard]] std::string said() const;

    std::string_view type_;
    std::string name_;
    const json::object* settings_;
    std::vector<std::string> asked_;
};

} // namespace potoo
