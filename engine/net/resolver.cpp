#include "engine/net/resolver.hpp"

#include <potoo/wait.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace potoo::net {
namespace {

constexpr std::chrono::seconds time_to_live(30);

std::string failure_text(int code)
{
    return code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
}

endpoints ask_system(const std::string& host, std::uint16_t port)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0)
        throw std::runtime_error(failure_text(code));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
    endpoints out;
    for (const addrinfo* a = list; a; a = a->ai_next)
        out.emplace_back(a->ai_addr, a->ai_addrlen, a->ai_protocol);
    return out;
}

} // namespace

struct resolver::question
{
    counter answered;
    endpoints found;
    std::string failure;
    steady_time expires = steady_time::max();
};

resolver::resolver(loop& l) : resolver(l, ask_system) {}

resolver::resolver(loop& l, lookup_function lookup)
    : loop_(l), lookup_(std::move(lookup)), questions_(std::make_shared<questions>())
{}

resolver::~resolver() = default;

task<or_problem<endpoints>> resolver::resolve(std::string host, std::uint16_t port)
{
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(host, no_address);
    if (!no_address)
        co_return endpoints{endpoint(boost::asio::ip::tcp::endpoint(address, port))};
    const std::shared_ptr<question> q = ask({host, port});
    co_await q->answered.reached(1);
    if (q->found.empty())
        co_return problem(http_error::resolve_failed, fmt::format("cannot resolve {}: {}", host, q->failure));
    co_return q->found;
}

void resolver::forget(const std::string& host, std::uint16_t port)
{
    const auto found = questions_->find({host, port});
    if (found != questions_->end() && found->second->answered.value() > 0)
        questions_->erase(found);
}

void resolver::forget_expired()
{
    const steady_time now = loop_.now();
    std::erase_if(*questions_, [&](const auto& entry) { return entry.second->expires <= now; });
}

std::shared_ptr<resolver::question> resolver::ask(const key& k)
{
    forget_expired();
    std::shared_ptr<question>& known = (*questions_)[k];
    if (known)
        return known;
    known = std::make_shared<question>();
    auto answer = [q = known, k, all = questions_, &l = loop_](endpoints found, std::string failure) {
        q->found = std::move(found);
        q->failure = std::move(failure);
        q->expires = l.now() + time_to_live;
        const auto entry = all->find(k);
        if (q->found.empty() && entry != all->end() && entry->second == q)
            all->erase(entry);
        q->answered.advance_to(1);
    };
    auto executor = loop_.executor();
    executor.on_work_started();
    boost::asio::post(loop_.blocking_pool(), [lookup = lookup_, k, answer = std::move(answer), executor]() mutable {
        endpoints found;
        std::string failure = "no address";
        try {
            found = lookup(k.first, k.second);
        } catch (const std::exception& e) {
            failure = e.what();
        }
        boost::asio::post(executor,
                          [answer = std::move(answer), found = std::move(found),
                           failure = std::move(failure)]() mutable { answer(std::move(found), std::move(failure)); });
        executor.on_work_finished();
    });
    return known;
}

} // namespace potoo::net
