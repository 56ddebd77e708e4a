#pragma once
/// @file
/// The programs of peers/, run by the interpreter that peers/install sets up.

#include "figure.hpp"

#include <map>
#include <string>
#include <vector>

namespace potoo::bench {

/// What a peer measured of itself, by name; or why there is nothing.
struct peer_result
{
    std::map<std::string, double> values;
    std::map<std::string, std::string> words;
    std::string trouble;

    /// One of the values, as the peer of a figure.
    [[nodiscard]] peer as_peer(const std::string& default_name, const std::string& value) const;
};

/// @param script in peers/, which prints one JSON object
[[nodiscard]] peer_result run_peer(const std::string& script, const std::vector<std::string>& arguments);

} // namespace potoo::bench
