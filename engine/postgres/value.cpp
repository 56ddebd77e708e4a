#include <potoo/postgres.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <charconv>
#include <cmath>
#include <cstring>

namespace potoo::postgres {
namespace {

// Object ids of types, which never change (pg_type.dat).
constexpr std::uint32_t type_bool = 16;
constexpr std::uint32_t type_bytea = 17;
constexpr std::uint32_t type_int8 = 20;
constexpr std::uint32_t type_int2 = 21;
constexpr std::uint32_t type_int4 = 23;
constexpr std::uint32_t type_oid = 26;
constexpr std::uint32_t type_json = 114;
constexpr std::uint32_t type_float4 = 700;
constexpr std::uint32_t type_float8 = 701;
constexpr std::uint32_t type_numeric = 1700;
constexpr std::uint32_t type_jsonb = 3802;

constexpr std::size_t deepest_json = 100;
/// A decimal number of so many digits survives the way through a double.
constexpr std::ptrdiff_t exact_digits = 15;

json::value as_text(std::string_view s)
{
    return json::value(json::string(s));
}

json::value integer_or_text(std::string_view s)
{
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    return ec == std::errc() && end == s.data() + s.size() ? json::value(n) : as_text(s);
}

json::value floating_or_text(std::string_view s)
{
    double d = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), d);
    const bool whole = ec == std::errc() && end == s.data() + s.size();
    return whole && std::isfinite(d) ? json::value(d) : as_text(s);
}

json::value numeric_or_text(std::string_view s)
{
    if (s.find('.') == std::string_view::npos)
        return integer_or_text(s);
    const auto digits = std::count_if(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits <= exact_digits ? floating_or_text(s) : as_text(s);
}

json::value parsed_or_text(std::string_view s)
{
    json::parse_options options;
    options.max_depth = deepest_json;
    boost::system::error_code ec;
    json::value v = json::parse(json::string_view(s.data(), s.size()), ec, {}, options);
    return ec ? as_text(s) : v;
}

int nibble(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/// PostgreSQL writes `\x` and two digits for each byte.
json::value base64_of_hex(std::string_view s)
{
    if (!s.starts_with("\\x"))
        return as_text(s);
    std::string bytes;
    for (std::size_t i = 2; i + 1 < s.size(); i += 2)
        bytes += static_cast<char>(nibble(s[i]) * 16 + nibble(s[i + 1]));
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(length));
    return as_text(out);
}

parameter parameter_from(const json::value& v, std::size_t number)
{
    if (v.is_null())
        return std::nullopt;
    std::string text = v.is_string() ? std::string(v.get_string()) : json::serialize(v);
    if (text.find('\0') != std::string::npos)
        throw fatal(fmt::format("parameter ${} holds a zero byte, which PostgreSQL's text cannot", number));
    return text;
}

} // namespace

std::vector<parameter> parameters_from(const json::array& values)
{
    std::vector<parameter> out;
    for (const json::value& v : values)
        out.push_back(parameter_from(v, out.size() + 1));
    return out;
}

json::value to_json(std::uint32_t type, const cell& c)
{
    if (!c)
        return nullptr;
    switch (type) {
    case type_bool:
        return *c == "t";
    case type_int2:
    case type_int4:
    case type_int8:
    case type_oid:
        return integer_or_text(*c);
    case type_float4:
    case type_float8:
        return floating_or_text(*c);
    case type_numeric:
        return numeric_or_text(*c);
    case type_json:
    case type_jsonb:
        return parsed_or_text(*c);
    case type_bytea:
        return base64_of_hex(*c);
    default:
        return as_text(*c);
    }
}

} // namespace potoo::postgres
