#pragma once
// An HTTP client that answers what the test says, after ten milliseconds.

#include <potoo/http.hpp>
#include <potoo/wait.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::test {

class scripted_http final : public http_client
{
  public:
    using answer = boost::system::result<http_response>;

    std::function<answer(const http_request&)> reply;
    std::vector<http_request> requests;
    duration latency{10};
    std::vector<steady_time> begun_at; ///< as those said who asked by `ask`, which it never takes up

    [[nodiscard]] task<answer> send(http_request request) override
    {
        requests.push_back(request);
        co_await sleep_for(latency);
        co_return reply(request);
    }

    [[nodiscard]] std::shared_ptr<const http_prepared> prepare(const http_request&, std::string_view) override
    {
        struct nothing final : http_prepared
        {};

        return std::make_shared<const nothing>();
    }

    [[nodiscard]] bool ask(http_ask& question) override
    {
        begun_at.push_back(question.begun);
        return false;
    }

    [[nodiscard]] std::size_t connections_opened() const noexcept override { return 0; }

    static http_response json(unsigned status, std::string body, std::vector<http_header> headers = {})
    {
        http_response r;
        r.status = status;
        r.headers = std::move(headers);
        r.headers.push_back({"Content-Type", "application/json"});
        r.body = std::move(body);
        return r;
    }
};

} // namespace potoo::test
