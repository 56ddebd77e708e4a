#include "engine/journal/reach_mark.hpp"

#include "engine/journal/damage.hpp"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace potoo::journal {

namespace {

constexpr std::string_view words = "the journal has reached record ";
constexpr std::size_t digits = 20;

} // namespace

reach_mark::~reach_mark()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

record_seq reach_mark::read(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(words.size() + digits, '\0');
    if (!in.read(text.data(), static_cast<std::streamsize>(text.size())) || !text.starts_with(words))
        return record_seq(0);
    std::uint64_t reached = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + words.size(), end, reached);
    return error == std::errc() && stop == end ? record_seq(reached) : record_seq(0);
}

void reach_mark::set(record_seq reached) noexcept
{
    if (descriptor_ < 0)
        descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0)
        return;
    std::array<char, words.size() + digits + 1> text{};
    const auto end = fmt::format_to_n(text.data(), text.size(), "{}{:020}\n", words, reached.value());
    [[maybe_unused]] const auto written = ::pwrite(descriptor_, text.data(), end.size, 0);
}

void refuse_if_lost(const state_layout& layout, record_seq reached, record_seq last)
{
    if (reached <= last)
        return;
    const auto mark = layout.mark().filename().string();
    refuse_damaged(layout.database(),
                   fmt::format("its last record is {}, but '{}' says that it has reached {}: its write-ahead log was "
                               "lost, or an older copy was put in its place. To go on from what is there, remove '{}': "
                               "jobs that were launched since may then be launched again. Otherwise",
                               last.value(), mark, reached.value(), mark));
}

} // namespace potoo::journal
