#pragma once
/// @file
/// A look at the files of a state directory before SQLite opens them: quick, and with better words than it would have.

#include "engine/journal/state_dir.hpp"

namespace potoo::journal {

/// Is there a journal? @return false when there is none, and nothing is left of one
/// @throws store_error `corrupt` when the files cannot belong to one journal that is whole, `io` when the path is no
/// directory or cannot be looked at
[[nodiscard]] bool check_state_files(const state_layout& layout);

} // namespace potoo::journal
