#include "event_listeners.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace potoo::bench {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view cursor_member = R"({"cursor":")";
constexpr std::size_t short_message = 512; ///< is read whole: one that is the last says so
constexpr std::size_t glance = 64;         ///< at a longer one, with its cursor
constexpr std::size_t most_at_once = 1UL << 20;
constexpr auto patience = std::chrono::seconds(60);

constexpr unsigned opcode_close = 8;
constexpr unsigned opcode_ping = 9;

/// RFC 6455, 5.2
struct frame_head
{
    std::size_t size = 0;
    unsigned opcode = 0;
    std::uint64_t length = 0;
};

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size)
{
    std::uint64_t n = 0;
    for (const char c : bytes.substr(at, size))
        n = n << 8U | static_cast<unsigned char>(c);
    return n;
}

/// Nothing when it has not come yet.
std::optional<frame_head> head_of(std::string_view bytes)
{
    if (bytes.size() < 2)
        return std::nullopt;
    const auto length = number_at(bytes, 1, 1) & 127U;
    const std::size_t more = length == 127 ? 8 : length == 126 ? 2 : 0;
    if (bytes.size() < 2 + more)
        return std::nullopt;
    return frame_head{2 + more, static_cast<unsigned>(number_at(bytes, 0, 1) & 15U),
                      more > 0 ? number_at(bytes, 2, more) : length};
}

std::string upgrade_request(std::uint16_t port)
{
    return "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

/// `2026-05-01T12:00:00.123Z`
std::chrono::system_clock::time_point time_of(const std::string& text)
{
    std::tm parts{};
    const char* fraction = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (!fraction)
        throw std::runtime_error("no time: " + text);
    return std::chrono::system_clock::from_time_t(::timegm(&parts)) +
           std::chrono::milliseconds(std::lround(std::strtod(fraction, nullptr) * 1e3));
}

/// What the one that reads has learned of a run.
struct story
{
    std::uint64_t events = 0;
    std::uint64_t end = 0; ///< record that ends the run
    std::chrono::system_clock::time_point ended;

    void go_on(const std::string& messages, const std::string& run);
};

void story::go_on(const std::string& messages, const std::string& run)
{
    constexpr std::string_view each = R"({"seq":)";
    for (auto at = messages.find(each); at != std::string::npos; at = messages.find(each, at + 1))
        ++events;
    const auto found = messages.find(R"("type":"run_ended","run":")" + run);
    if (found == std::string::npos)
        return;
    const auto begin = messages.rfind(each, found);
    end = std::strtoull(messages.c_str() + begin + each.size(), nullptr, 10);
    constexpr std::string_view time = R"("at":")";
    ended = time_of(messages.substr(messages.find(time, found) + time.size(), 24));
}

} // namespace

event_listener::event_listener(std::uint16_t port, bool reads) : socket_(port), reads_(reads)
{
    socket_.send(upgrade_request(port));
}

void event_listener::take()
{
    if (rest_ == 0) {
        fill();
        while (digest()) {}
        return;
    }
    // TCP throws it away without copying it.
    const auto n =
        ::recv(descriptor(), nullptr, std::min<std::uint64_t>(rest_, most_at_once), MSG_DONTWAIT | MSG_TRUNC);
    if (n <= 0) {
        over_ = n == 0 || errno != EAGAIN;
        return;
    }
    bytes_ += static_cast<std::uint64_t>(n);
    rest_ -= static_cast<std::uint64_t>(n);
    if (rest_ == 0)
        complete();
}

void event_listener::fill()
{
    std::array<char, 65536> room;
    const auto n = ::recv(descriptor(), room.data(), reads_ ? room.size() : short_message, MSG_DONTWAIT);
    if (n <= 0) {
        over_ = n == 0 || errno != EAGAIN;
        return;
    }
    bytes_ += static_cast<std::uint64_t>(n);
    pending_.append(room.data(), static_cast<std::size_t>(n));
}

/// @return whether there may be more to look at
bool event_listener::digest()
{
    return upgraded_ ? digest_frame() : digest_answer();
}

bool event_listener::digest_answer()
{
    const auto end = pending_.find(head_end);
    if (end == std::string::npos)
        return false;
    if (!pending_.starts_with("HTTP/1.1 101 "))
        throw std::runtime_error("a subscriber was refused: " + pending_);
    upgraded_ = true;
    pending_.erase(0, end + head_end.size());
    return true;
}

bool event_listener::digest_frame()
{
    const auto head = head_of(pending_);
    if (!head)
        return false;
    const auto looked_at = reads_ || head->length <= short_message ? head->length : glance;
    if (pending_.size() < head->size + looked_at)
        return false;
    hear(head->opcode, std::string_view(pending_).substr(head->size, looked_at));
    const auto here = std::min<std::uint64_t>(head->length, pending_.size() - head->size);
    pending_.erase(0, head->size + here);
    rest_ = head->length - here;
    if (rest_ == 0)
        complete();
    return rest_ == 0;
}

void event_listener::hear(unsigned opcode, std::string_view beginning)
{
    if (opcode == opcode_close) {
        over_ = true;
    } else if (opcode == opcode_ping) {
        // A mask of zeros leaves what is masked as it is.
        std::string pong{static_cast<char>(0x8a), static_cast<char>(0x80U | beginning.size()), 0, 0, 0, 0};
        socket_.send(pong.append(beginning));
    } else if (beginning.starts_with(cursor_member)) {
        coming_ = std::strtoull(beginning.data() + cursor_member.size(), nullptr, 10);
        lagging_ = lagging_ || beginning.find(R"("end":"lagging")") != std::string_view::npos;
        if (reads_)
            read_ += beginning;
    }
}

void event_listener::complete()
{
    cursor_ = coming_;
    ++messages_;
}

event_listeners::event_listeners(std::uint16_t port, std::size_t count) : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    all_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        event_listener& l = all_.emplace_back(port, i == 0);
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.u64 = i;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, l.descriptor(), &e) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!std::ranges::all_of(all_, &event_listener::greeted)) {
        take_some();
        if (std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("not all subscribers were greeted");
    }
}

event_listeners::~event_listeners()
{
    ::close(epoll_);
}

void event_listeners::take_some()
{
    std::array<epoll_event, 256> ready;
    const int n = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 100);
    for (int i = 0; i < n; ++i) {
        event_listener& l = all_[ready[static_cast<std::size_t>(i)].data.u64];
        l.take();
        if (l.over())
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, l.descriptor(), nullptr);
    }
}

event_listeners::delivery event_listeners::until_all_know_the_end_of(const std::string& run)
{
    story told;
    const auto knows = [&](const event_listener& l) { return l.over() || l.cursor() >= told.end; };
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (told.end == 0 || !std::ranges::all_of(all_, knows)) {
        take_some();
        told.go_on(all_.front().read(), run);
        if (all_.front().over() || std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("the end of run " + run + " was not told");
    }
    const auto listening = all_.size() - static_cast<std::size_t>(std::ranges::count_if(all_, &event_listener::over));
    return {told.events * listening, told.ended, std::chrono::system_clock::now()};
}

std::size_t event_listeners::lagging() const
{
    return static_cast<std::size_t>(std::ranges::count_if(all_, &event_listener::lagging));
}

std::uint64_t event_listeners::bytes() const
{
    std::uint64_t sum = 0;
    for (const event_listener& l : all_)
        sum += l.bytes();
    return sum;
}

} // namespace potoo::bench
