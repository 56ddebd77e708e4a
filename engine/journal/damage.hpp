#pragma once
/// @file
/// How a damaged journal is refused.

#include "engine/journal/store_error.hpp"

#include <filesystem>
#include <string_view>

namespace potoo::journal {

/// What to do about a journal that is damaged, to follow a `;`.
inline constexpr std::string_view advice_on_damage =
    "keep a copy of the state directory, and restore it whole from a backup; or move it away to start anew: then "
    "nothing is known of its runs, and of the remote jobs that they left running (`sqlite3 potoo.db .recover` shows "
    "what can still be read)";

/// @param found what is wrong, as the end of a sentence
[[noreturn]] void refuse_damaged(const std::filesystem::path& file, std::string_view found);

} // namespace potoo::journal
