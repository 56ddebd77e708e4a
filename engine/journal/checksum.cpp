#include "engine/journal/checksum.hpp"

#include "engine/journal/crc32c.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace potoo::journal {

namespace {

constexpr std::uint64_t joined(std::uint32_t high, std::uint32_t low) noexcept
{
    return std::uint64_t(high) << 32 | low;
}

/// Numbers as bytes, least significant first on every processor.
template <class... Numbers>
std::uint32_t crc_of_numbers(std::uint32_t before, Numbers... numbers) noexcept
{
    std::array<char, 8 * sizeof...(numbers)> bytes; // NOLINT(cppcoreguidelines-pro-type-member-init): all is written
    std::size_t at = 0;
    const auto add = [&](std::uint64_t number) {
        for (int i = 0; i < 8; ++i)
            bytes[at++] = static_cast<char>(number >> (8 * i));
    };
    (add(static_cast<std::uint64_t>(numbers)), ...);
    return crc32c({bytes.data(), bytes.size()}, before);
}

/// With its length, so that no end of one text can pass for the beginning of the next.
std::uint32_t crc_of_text(std::uint32_t before, std::string_view text) noexcept
{
    return crc32c(text, crc_of_numbers(before, text.size()));
}

/// Signed, because SQLite keeps that in four bytes.
std::int32_t result(std::uint32_t crc) noexcept
{
    return static_cast<std::int32_t>(crc);
}

} // namespace

std::int32_t checksum_of(record_seq seq, const record& r) noexcept
{
    const auto kind_and_state = static_cast<std::uint32_t>(r.kind) << 8 | static_cast<std::uint32_t>(r.state);
    auto crc = crc_of_numbers(0, seq.value(), joined(r.run.value(), kind_and_state),
                              joined(r.task.value(), r.item.value()), joined(r.attempt.value(), r.step), r.number,
                              r.at.time_since_epoch().count(), r.epoch, r.branch.size(), r.name.size(), r.data.size());
    crc = crc32c(r.branch, crc);
    crc = crc32c(r.name, crc);
    return result(crc32c(r.data, crc));
}

std::int32_t checksum_of(run_number number, const run_id& id, const std::string& params, wall_time created,
                         const std::string& origin) noexcept
{
    auto crc = crc_of_numbers(0, number.value(), created.time_since_epoch().count());
    crc = crc_of_text(crc_of_text(crc, id.value()), params);
    // Runs of older versions have none, and their checksums do not speak of it.
    return result(origin.empty() ? crc : crc_of_text(crc, origin));
}

std::int32_t checksum_of(const dag_document& dag) noexcept
{
    auto crc = crc_of_numbers(0, dag.hash);
    for (const std::string* text : {&dag.name, &dag.source_name, &dag.source})
        crc = crc_of_text(crc, *text);
    for (const auto& task : dag.tasks)
        crc = crc_of_text(crc, task);
    return result(crc);
}

std::int32_t checksum_of(const std::string& kind, const std::string& key, const std::string& value) noexcept
{
    return result(crc_of_text(crc_of_text(crc_of_text(0, kind), key), value));
}

} // namespace potoo::journal
