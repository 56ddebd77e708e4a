#include "engine/runtime/launch_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace potoo::runtime {
namespace {

// FNV-1a, Fowler–Noll–Vo, 128 bit: http://www.isthe.com/chongo/tech/comp/fnv/
class fnv128
{
  public:
    void add(std::string_view text)
    {
        for (const char c : text)
            add_byte(static_cast<unsigned char>(c));
        // Ends a field with a byte that no UTF-8 text holds, so that ("ab", "c") differs from ("a", "bc").
        add_byte(0xff);
    }

    void add(std::uint64_t number)
    {
        for (int i = 0; i < 8; ++i)
            add_byte(static_cast<unsigned char>(number >> (8 * i)));
    }

    [[nodiscard]] unsigned __int128 value() const noexcept { return hash_; }

  private:
    __extension__ using uint128 = unsigned __int128;

    static constexpr uint128 make(std::uint64_t high, std::uint64_t low) { return (uint128{high} << 64) | low; }

    void add_byte(unsigned char b)
    {
        hash_ ^= b;
        hash_ *= make(0x0000000001000000ULL, 0x000000000000013bULL);
    }

    uint128 hash_ = make(0x6c62272e07bb0142ULL, 0x62b821756295c58dULL);
};

constexpr std::string_view letters_and_digits = "abcdefghijklmnopqrstuvwxyz234567";

launch_token token_of(const run_id& run, const fnv128& hash)
{
    std::string token = run.value() + "-";
    auto bits = hash.value();
    for (int i = 0; i < 26; ++i) {
        token += letters_and_digits[static_cast<std::size_t>(bits & 31)];
        bits >>= 5;
    }
    return launch_token(std::move(token));
}

/// The finalizer of splitmix64: neighbouring hashes become unrelated numbers.
std::uint64_t mixed(std::uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

struct drawn
{
    std::uint64_t high;
    std::uint64_t low;
};

drawn draw_bits(const launch_token& attempt, std::string_view branch, std::uint32_t draw)
{
    fnv128 hash;
    hash.add(attempt.value());
    hash.add(branch);
    hash.add(std::uint64_t{draw});
    const auto bits = hash.value();
    const std::uint64_t high = mixed(static_cast<std::uint64_t>(bits >> 64));
    return {high, mixed(static_cast<std::uint64_t>(bits) ^ high)};
}

} // namespace

run_id make_run_id(std::mt19937_64& entropy)
{
    constexpr std::string_view all = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string id;
    id += all[std::uniform_int_distribution<std::size_t>(0, 25)(entropy)];
    for (int i = 1; i < 12; ++i)
        id += all[std::uniform_int_distribution<std::size_t>(0, all.size() - 1)(entropy)];
    return run_id(std::move(id));
}

bool is_usable_run_id(std::string_view id) noexcept
{
    constexpr std::size_t longest = 24;
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto fits = [&](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
    return !id.empty() && id.size() <= longest && is_letter(id.front()) && id.back() != '-' &&
           std::all_of(id.begin(), id.end(), fits);
}

launch_token make_launch_token(const run_id& run, std::string_view task, std::string_view item, attempt_number attempt)
{
    fnv128 hash;
    hash.add(run.value());
    hash.add(task);
    hash.add(item);
    hash.add(std::uint64_t{attempt.value()});
    return token_of(run, hash);
}

launch_token make_group_token(const run_id& run, std::string_view task, attempt_number attempt)
{
    fnv128 hash;
    hash.add(run.value());
    hash.add(task);
    hash.add(std::uint64_t{attempt.value()});
    hash.add("group");
    return token_of(run, hash);
}

double replayable_fraction(const run_id& run, task_index task, item_index item, attempt_number attempt)
{
    fnv128 hash;
    hash.add(run.value());
    hash.add(std::uint64_t{task.value()});
    hash.add(std::uint64_t{item.value()});
    hash.add(std::uint64_t{attempt.value()});
    // The upper half is the better mixed one; 53 bits are what a double holds.
    const auto upper = static_cast<std::uint64_t>(hash.value() >> 64);
    return static_cast<double>(upper >> 11) * 0x1.0p-53;
}

std::string make_replayable_uuid(const launch_token& attempt, std::string_view branch, std::uint32_t draw)
{
    drawn bits = draw_bits(attempt, branch, draw);
    bits.high = (bits.high & ~std::uint64_t{0xf000}) | 0x8000;
    bits.low = (bits.low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{1} << 63);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", bits.high >> 32, (bits.high >> 16) & 0xffff,
                       bits.high & 0xffff, bits.low >> 48, bits.low & 0xffff'ffff'ffffULL);
}

double make_replayable_number(const launch_token& attempt, std::string_view branch, std::uint32_t draw)
{
    return static_cast<double>(draw_bits(attempt, branch, draw).high >> 11) * 0x1.0p-53;
}

std::string make_callback_token(const run_id& run, const std::function<std::uint64_t()>& unguessable)
{
    constexpr int letters = 26; // 130 bits
    constexpr int letters_a_number = 12;
    std::string token = run.value() + ".";
    std::uint64_t bits = 0;
    for (int i = 0; i < letters; ++i, bits >>= 5) {
        if (i % letters_a_number == 0)
            bits = unguessable();
        token += letters_and_digits[static_cast<std::size_t>(bits & 31)];
    }
    return token;
}

} // namespace potoo::runtime
