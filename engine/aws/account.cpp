#include "engine/aws/credential_sources.hpp"
#include "engine/text/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace potoo::aws {
namespace {

constexpr duration before_expiry{300'000};
constexpr int parts_of_life = 4;
/// What a search found is used that long, even when it expires soon.
constexpr duration search_holds{10'000};
constexpr std::size_t most_secrets = 32;
/// Those who waited while a search failed need not search again.
constexpr duration failure_holds{2'000};

std::optional<std::string> of_process(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    if (!value || !*value)
        return std::nullopt;
    return std::string(value);
}

std::string key_of(const settings& s)
{
    std::string all;
    for (const std::string* part :
         {&s.region, &s.endpoint_url, &s.sts_endpoint_url, &s.profile, &s.access_key_id, &s.secret_access_key,
          &s.session_token, &s.role_arn, &s.role_session_name, &s.external_id})
        all += fmt::format("{} {}\n", part->size(), *part);
    return text::sha256_hex(all);
}

} // namespace

settings read_settings(connection_reader& c)
{
    settings s;
    s.region = c.text("region").value_or("");
    s.endpoint_url = c.text("endpoint_url").value_or("");
    s.sts_endpoint_url = c.text("sts_endpoint_url").value_or("");
    s.profile = c.text("profile").value_or("");
    s.access_key_id = c.text("access_key_id").value_or("");
    s.secret_access_key = c.text("secret_access_key").value_or("");
    s.session_token = c.text("session_token").value_or("");
    s.role_arn = c.text("role_arn").value_or("");
    s.role_session_name = c.text("role_session_name").value_or("");
    s.external_id = c.text("external_id").value_or("");
    return s;
}

account::account(settings s, variables v)
    : settings_(std::move(s)), variables_(v ? std::move(v) : variables(of_process)), key_(key_of(settings_))
{}

bool account::usable(potoo::loop& l) const noexcept
{
    if (!current_ || refused_)
        return false;
    return !current_->expires || l.wall_now() + margin_ < *current_->expires || l.now() < searched_at_ + search_holds;
}

void account::remember(const std::string& secret)
{
    if (secret.empty())
        return;
    std::erase(secrets_, secret);
    secrets_.push_back(secret);
    if (secrets_.size() > most_secrets)
        secrets_.erase(secrets_.begin());
}

void account::take(credentials c, wall_time now)
{
    // The life of those that came back began when they came first.
    if (c.expires && !(current_ && current_->same_key(c)))
        margin_ = std::clamp((*c.expires - now) / parts_of_life, duration::zero(), before_expiry);
    current_ = std::make_shared<const credentials>(std::move(c));
    refused_ = false;
}

void account::refused(const credentials& c) noexcept
{
    if (current_ && current_->same_key(c))
        refused_ = true;
}

task<> account::look_again(outside o)
{
    if (failure_ && o.loop.now() < failed_at_ + failure_holds) {
        conceal_in(o);
        std::rethrow_exception(failure_);
    }
    failure_ = nullptr;
    o.conceal = [this, tell = std::move(o.conceal)](const std::string& secret) {
        remember(secret);
        if (tell)
            tell(secret);
    };
    try {
        auto c = co_await find_credentials(o, settings_, variables_);
        conceal(o, c);
        take(std::move(c), o.loop.wall_now());
        searched_at_ = o.loop.now();
        co_return;
    } catch (const task_error&) {
        const bool still_good = current_ && !refused_ && current_->expires && o.loop.wall_now() < *current_->expires;
        if (current_)
            conceal(o, *current_);
        searched_at_ = o.loop.now();
        // Whatever is wrong will be said when they have expired, if it still is.
        if (still_good)
            co_return;
        failure_ = std::current_exception();
        failed_at_ = o.loop.now();
    }
    std::rethrow_exception(failure_);
}

task<std::shared_ptr<const credentials>> account::sign_in(outside o)
{
    if (!usable(o.loop)) {
        co_await looking_.acquire();
        const slot_guard mine(looking_);
        if (!usable(o.loop))
            co_await look_again(o);
    }
    conceal_in(o);
    co_return current_;
}

void account::conceal_in(const outside& o) const
{
    for (std::size_t i = 0; o.conceal && i < secrets_.size(); ++i)
        o.conceal(secrets_[i]);
}

task<account::address> account::find_address(std::string host, std::string setting, std::string own_endpoint)
{
    auto p = co_await read_profiles(settings_.profile, variables_);
    address a;
    a.region = region_of(settings_, variables_, p);
    a.url = own_endpoint.empty() ? endpoint_of(variables_, p, setting) : std::move(own_endpoint);
    while (a.url.ends_with('/'))
        a.url.pop_back();
    a.given = !a.url.empty();
    if (p.named && !p.find(p.chosen) && settings_.access_key_id.empty())
        throw fatal(fmt::format("there is no AWS profile {} {}", p.chosen, p.where()), "no_credentials");
    if (a.region.empty())
        throw fatal(fmt::format("no AWS region is set: not by the connection's `region`, nor AWS_REGION, nor "
                                "AWS_DEFAULT_REGION, nor profile {} {}",
                                p.chosen, p.where()),
                    "no_region");
    if (!a.given)
        a.url = fmt::format("https://{}.{}.{}", host, a.region, domain_of(a.region));
    co_return a;
}

account& account_of(context& ctx, const settings& s)
{
    account made(s);
    return ctx.shared<account>("aws account " + made.key(), [&] { return std::make_unique<account>(s); });
}

} // namespace potoo::aws
