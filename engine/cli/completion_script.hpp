#pragma once
/// @file
/// Scripts that let a shell complete potoo's arguments.

#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace potoo::cli {

/// To be sourced by bash, or put into its completions directory.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

/// To be put into a directory of zsh's `fpath` as `_potoo`, or sourced after `compinit`.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

} // namespace potoo::cli
