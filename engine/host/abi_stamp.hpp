#pragma once
/// @file
/// What a plugin was compiled with, compared with what this program was compiled with. See <potoo/plugin.hpp>.

#include <string>
#include <string_view>
#include <vector>

namespace potoo::host {

/// The stamp of this program.
[[nodiscard]] std::string_view own_stamp() noexcept;

/// One thing in which two stamps differ. A value is empty where its side does not mention the thing.
struct stamp_difference
{
    std::string name;
    std::string plugin;
    std::string own;
};

struct stamp_comparison
{
    bool readable = true; ///< false: `plugin` is no stamp, or one of a format that is not known here
    std::vector<stamp_difference> differences;

    [[nodiscard]] bool same() const noexcept { return readable && differences.empty(); }
};

/// `plugin` may hold anything; what is not printable in it comes out as `?`, and what is long is cut.
[[nodiscard]] stamp_comparison compare_stamps(std::string_view plugin, std::string_view own);

/// What to do about it: one line a difference, then how to rebuild the plugin. Ends without a newline.
[[nodiscard]] std::string explain_mismatch(const stamp_comparison& c, std::string_view own);

} // namespace potoo::host
