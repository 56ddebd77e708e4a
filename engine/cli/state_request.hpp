#pragma once
/// @file
/// Something is to be changed in a state directory, or asked about it: the engine that is alive on it does it, or this
/// process may.

#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace potoo::cli {

/// Exactly one of the two is there.
class state_access
{
  public:
    /// Asks the engine; while one is starting or leaving, tries again for a few seconds. The request must be one that
    /// may be asked twice. Blocks.
    /// @param time for the engine's answer
    /// @throws journal::store_error when there is neither an answer nor the right to write
    state_access(const std::string& state, const json::object& request, std::chrono::seconds time);

    /// What the engine answered.
    [[nodiscard]] const std::optional<std::string>& answer() const noexcept { return answer_; }

    /// Without an answer: the journal, to write to it while this lives.
    [[nodiscard]] journal::store& journal() const { return *store_; }

  private:
    std::optional<std::string> answer_;
    std::optional<journal::state_lock> lock_;
    std::unique_ptr<journal::store> store_;
};

/// What the engine that is alive on the state directory answers to a question; nothing when none is. While one is
/// starting or leaving, tries again for a few seconds. Blocks. @throws as `state_access`
[[nodiscard]] std::optional<std::string> answer_of_engine(const std::string& state, const json::object& question,
                                                          std::chrono::seconds time);

/// `potoo VERB RUN`, with what it takes to find the state again.
[[nodiscard]] std::string next_command(std::string_view verb, const std::string& run, const std::string& state);

} // namespace potoo::cli
