#pragma once
/// @file
/// A gzip stream unpacked piece by piece, up to a limit.

#include <potoo/http.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace potoo::net {

class gunzip
{
  public:
    enum class status : std::uint8_t
    {
        ok,
        too_large, ///< `out` would grow beyond the limit
        broken,    ///< not gzip, or damaged
        stopped,   ///< the sink wanted no more
    };

    gunzip();
    ~gunzip();

    /// Appends what `in` unpacks to. Memory stays within the limit whatever `in` claims.
    status append(std::string_view in, std::string& out, std::size_t limit);

    /// Gives what `in` unpacks to away, as far as it can be told without what comes next, in pieces of some KiB.
    status pass_on(std::string_view in, const http_body_sink& sink);

    /// The stream is whole: all of its members have ended, or nothing came at all.
    [[nodiscard]] bool complete() const noexcept;

  private:
    struct inflater;

    template <class Take>
    status unpack(std::string_view in, Take take);

    std::unique_ptr<inflater> inflater_;
};

} // namespace potoo::net
