#pragma once
/// @file
/// Names to addresses, on the loop's blocking threads, remembered for a while.

#include "engine/net/problem.hpp"

#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <boost/asio/generic/stream_protocol.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace potoo::net {

using endpoint = boost::asio::generic::stream_protocol::endpoint;
using endpoints = std::vector<endpoint>;

/// Answers that were found are remembered for half a minute, failures not at all. Coroutines that ask for the same name
/// at the same time share one question.
class resolver
{
  public:
    /// Blocks. Throws std::runtime_error with a sentence for people.
    using lookup_function = std::function<endpoints(const std::string& host, std::uint16_t port)>;

    /// Asks the system (getaddrinfo).
    explicit resolver(loop& l);
    resolver(loop& l, lookup_function lookup);
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;
    ~resolver();

    /// The addresses in order of preference, at least one. The problem is `resolve_failed`. A caller that is cancelled
    /// leaves the question running for whoever asks next.
    [[nodiscard]] task<or_problem<endpoints>> resolve(std::string host, std::uint16_t port);

    /// Connections to what was remembered fail: ask anew.
    void forget(const std::string& host, std::uint16_t port);

  private:
    struct question;
    using key = std::pair<std::string, std::uint16_t>;
    using questions = std::map<key, std::shared_ptr<question>>;

    [[nodiscard]] std::shared_ptr<question> ask(const key& k);
    void forget_expired();

    loop& loop_;
    lookup_function lookup_;
    /// Shared with the threads, which may outlive the resolver.
    std::shared_ptr<questions> questions_;
};

} // namespace potoo::net
