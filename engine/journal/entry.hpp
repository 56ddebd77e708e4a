#pragma once
/// @file
/// What a store keeps besides the journal's records: mutable facts, each under a key that is unique within its kind.
/// They belong to no run; nothing but `erase` removes them.

#include <cstdint>
#include <string>
#include <vector>

namespace potoo::journal {

enum class entry_verb : std::uint8_t
{
    insert, ///< adds the entry unless its key is taken
    put,    ///< adds or replaces it
    erase,
};

/// One change. `kind` and `key` are not empty; the store does not look into `value`.
struct entry_change
{
    entry_verb verb = entry_verb::put;
    std::string kind;
    std::string key;
    std::string value{};
};

struct entry_row
{
    std::string key;
    std::string value;

    friend bool operator==(const entry_row&, const entry_row&) = default;
};

/// What came of a batch.
struct append_result
{
    /// For each of `batch::changes` whether it took effect: not, when an `insert` found its key taken and when an
    /// `erase` found nothing. The rest of the batch is appended in any case.
    std::vector<bool> changes;
};

} // namespace potoo::journal
