#include <potoo/http.hpp>

#include <utility>

namespace potoo {

http_ask::~http_ask()
{
    abandon();
    if (carrier_)
        std::exchange(carrier_, nullptr)->abandon();
}

void http_ask::finish()
{
    carrier_ = nullptr;
    complete_now();
}

bool http_ask::withdraw() noexcept
{
    if (carrier_)
        std::exchange(carrier_, nullptr)->abandon();
    return true;
}

std::shared_ptr<const http_prepared> http_client::prepare(const http_request&, std::string_view)
{
    return nullptr;
}

bool http_client::ask(http_ask&)
{
    return false;
}

http_client& http_client::with(const http_options&)
{
    return *this;
}

} // namespace potoo
