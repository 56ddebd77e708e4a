#include "engine/net/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace potoo::net {

struct gunzip::inflater
{
    z_stream stream{};
    bool between_members = true;

    inflater()
    {
        constexpr int gzip_only = MAX_WBITS + 16;
        if (inflateInit2(&stream, gzip_only) != Z_OK)
            throw std::bad_alloc();
    }

    inflater(const inflater&) = delete;
    inflater& operator=(const inflater&) = delete;

    ~inflater() { inflateEnd(&stream); }
};

gunzip::gunzip() : inflater_(std::make_unique<inflater>()) {}

gunzip::~gunzip() = default;

/// @param take is given each piece, and says how it went
template <class Take>
gunzip::status gunzip::unpack(std::string_view in, Take take)
{
    std::array<char, 16 * 1024> piece;
    z_stream& z = inflater_->stream;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    bool more = true;
    while (more || z.avail_in > 0) {
        if (inflater_->between_members && z.avail_in == 0)
            return status::ok;
        inflater_->between_members = false;
        z.next_out = reinterpret_cast<Bytef*>(piece.data());
        z.avail_out = static_cast<uInt>(piece.size());
        const int result = inflate(&z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            throw std::bad_alloc();
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return status::broken;
        const std::size_t produced = piece.size() - z.avail_out;
        const status taken = take(std::string_view(piece.data(), produced));
        if (taken != status::ok)
            return taken;
        if (result == Z_STREAM_END) {
            inflateReset(&z);
            inflater_->between_members = true;
        }
        more = z.avail_out == 0;
    }
    return status::ok;
}

gunzip::status gunzip::append(std::string_view in, std::string& out, std::size_t limit)
{
    return unpack(in, [&](std::string_view piece) {
        if (piece.size() > limit - std::min(limit, out.size()))
            return status::too_large;
        out.append(piece);
        return status::ok;
    });
}

gunzip::status gunzip::pass_on(std::string_view in, const http_body_sink& sink)
{
    return unpack(in,
                  [&](std::string_view piece) { return piece.empty() || sink(piece) ? status::ok : status::stopped; });
}

bool gunzip::complete() const noexcept
{
    return inflater_->between_members;
}

} // namespace potoo::net
