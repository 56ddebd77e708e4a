#pragma once
/// @file
/// What must hold of every input. A claim that does not is a crash, which libFuzzer keeps the input of.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace potoo::fuzz {

inline void claim(bool holds, std::string_view what, std::string_view seen = {})
{
    if (holds)
        return;
    const std::string line =
        "claim failed: " + std::string(what) + (seen.empty() ? "" : "\nseen: " + std::string(seen)) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::abort();
}

} // namespace potoo::fuzz
