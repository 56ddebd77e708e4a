#include "engine/aws/credential_sources.hpp"
#include "engine/text/ascii.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace potoo::aws {
namespace {

/// One search through all places. What each says is kept, for the message when none has credentials.
class credential_search
{
  public:
    credential_search(outside o, settings s, variables v, profiles p)
        : outside_(o), settings_(std::move(s)), variables_(std::move(v)), profiles_(std::move(p))
    {}

    task<credentials> find();

  private:
    using found = std::optional<credentials>;
    using profile = profiles::profile;

    task<found> look_everywhere();

    [[nodiscard]] found from_connection();
    [[nodiscard]] found from_environment();
    task<found> from_web_identity();

    /// Everything that a profile may say.
    task<found> from_profile(std::string name, std::set<std::string> on_the_way);
    task<found> from_role(std::string name, profile p, std::string arn, std::set<std::string> on_the_way);
    task<credentials> from_credential_source(std::string name, std::string source);
    task<credentials> from_sso(std::string name, profile p);
    [[nodiscard]] found written_in(const section& s, const std::string& file, const std::string& name) const;

    [[nodiscard]] role_request role(std::string arn) const;

    void note(std::string what) { said_.push_back(std::move(what)); }

    outside outside_;
    settings settings_;
    variables variables_;
    profiles profiles_;
    std::vector<std::string> said_;
};

role_request credential_search::role(std::string arn) const
{
    role_request r;
    r.arn = std::move(arn);
    r.region = region_of(settings_, variables_, profiles_);
    r.endpoint = sts_endpoint(settings_, variables_, profiles_, r.region);
    if (r.region.empty())
        r.region = "us-east-1";
    return r;
}

credential_search::found credential_search::from_connection()
{
    if (settings_.access_key_id.empty())
        return std::nullopt;
    if (settings_.secret_access_key.empty())
        throw fatal("the connection has an `access_key_id` and no `secret_access_key`", "no_credentials");
    return credentials{
        settings_.access_key_id, settings_.secret_access_key, settings_.session_token, {}, "the connection"};
}

credential_search::found credential_search::from_environment()
{
    const auto id = variables_("AWS_ACCESS_KEY_ID");
    const auto secret = variables_("AWS_SECRET_ACCESS_KEY");
    if (id && secret)
        return credentials{*id, *secret, variables_("AWS_SESSION_TOKEN").value_or(""), {}, "the environment"};
    note(fmt::format("environment: {} is not set", id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
    return std::nullopt;
}

task<credential_search::found> credential_search::from_web_identity()
{
    const auto file = variables_("AWS_WEB_IDENTITY_TOKEN_FILE");
    const auto arn = variables_("AWS_ROLE_ARN");
    if (!file || !arn) {
        note("web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not both set");
        co_return std::nullopt;
    }
    role_request r = role(*arn);
    r.session_name = variables_("AWS_ROLE_SESSION_NAME").value_or("");
    auto c = co_await assume_role_with_token(outside_, std::move(r), *file);
    co_return c;
}

credential_search::found credential_search::written_in(const section& s, const std::string& file,
                                                       const std::string& name) const
{
    const auto id = s.find("aws_access_key_id");
    if (id == s.end() || id->second.empty())
        return std::nullopt;
    const auto secret = s.find("aws_secret_access_key");
    if (secret == s.end() || secret->second.empty())
        throw fatal(fmt::format("profile {} in {} has an aws_access_key_id and no aws_secret_access_key", name, file),
                    "no_credentials");
    const auto token = s.find("aws_session_token");
    return credentials{id->second,
                       secret->second,
                       token == s.end() ? std::string() : token->second,
                       {},
                       fmt::format("profile {} in {}", name, file)};
}

task<credentials> credential_search::from_credential_source(std::string name, std::string source)
{
    found c;
    std::string said = fmt::format("credential_source is {}, which is none of Environment, EcsContainer and "
                                   "Ec2InstanceMetadata",
                                   source);
    if (source == "Environment") {
        c = from_environment();
        said = "the environment has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    } else if (source == "EcsContainer") {
        c = co_await ask_container(outside_, variables_);
        said = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set";
    } else if (source == "Ec2InstanceMetadata") {
        c = co_await ask_instance(outside_, variables_, said);
    }
    if (!c)
        throw fatal(fmt::format("profile {} cannot assume its role: {}", name, said), "no_credentials");
    co_return std::move(*c);
}

task<credential_search::found> credential_search::from_role(std::string name, profile p, std::string arn,
                                                            std::set<std::string> on_the_way)
{
    role_request r = role(std::move(arn));
    r.session_name = p.find("role_session_name").value_or("");
    r.external_id = p.find("external_id").value_or("");
    r.duration_seconds = p.find("duration_seconds").value_or("");
    if (p.find("mfa_serial"))
        throw fatal(fmt::format("profile {} wants a code from {} that only a person can type: use one without "
                                "mfa_serial",
                                name, *p.find("mfa_serial")),
                    "no_credentials");
    if (const auto file = p.find("web_identity_token_file")) {
        auto c = co_await assume_role_with_token(outside_, std::move(r), *file);
        co_return c;
    }
    std::optional<credentials> by;
    if (const auto source = p.find("source_profile")) {
        // A profile that names itself has the keys for it.
        if (*source == name)
            by = written_in(p.credentials, profiles_.credentials_file, name);
        else
            by = co_await from_profile(*source, std::move(on_the_way));
        if (!by)
            throw fatal(fmt::format("profile {} assumes its role with profile {}, which has no credentials {}", name,
                                    *source, profiles_.where()),
                        "no_credentials");
    } else if (const auto place = p.find("credential_source")) {
        by = co_await from_credential_source(name, *place);
    } else {
        throw fatal(fmt::format("profile {} has a role_arn, and neither source_profile nor credential_source nor "
                                "web_identity_token_file",
                                name),
                    "no_credentials");
    }
    auto c = co_await assume_role(outside_, std::move(r), std::move(*by));
    co_return c;
}

task<credentials> credential_search::from_sso(std::string name, profile p)
{
    sso_request r;
    r.profile = name;
    r.directory = profiles_.directory;
    r.account = p.find("sso_account_id").value_or("");
    r.role = p.find("sso_role_name").value_or("");
    r.region = p.find("sso_region").value_or("");
    r.cache_key = p.find("sso_start_url").value_or("");
    r.endpoint = endpoint_of(variables_, profiles_, "SSO");
    if (const auto session = p.find("sso_session")) {
        const auto known = profiles_.sso_sessions.find(*session);
        if (known == profiles_.sso_sessions.end())
            throw fatal(fmt::format("profile {} names the sso-session {}, which {} does not have", name, *session,
                                    profiles_.config_file),
                        "no_credentials");
        const auto region = known->second.find("sso_region");
        r.region = region == known->second.end() ? r.region : region->second;
        r.cache_key = *session;
    }
    if (r.account.empty() || r.role.empty() || r.region.empty() || r.cache_key.empty())
        throw fatal(fmt::format("profile {} signs in by SSO, and lacks sso_account_id, sso_role_name, sso_region or "
                                "sso_session",
                                name),
                    "no_credentials");
    auto c = co_await sign_in_by_sso(outside_, std::move(r));
    co_return c;
}

task<credential_search::found> credential_search::from_profile(std::string name, std::set<std::string> on_the_way)
{
    const profile* known = profiles_.find(name);
    if (!known) {
        note(fmt::format("shared files: there is no profile {} {}", name, profiles_.where()));
        co_return std::nullopt;
    }
    if (!on_the_way.insert(name).second)
        throw fatal(
            fmt::format("the profiles {} name one another as source_profile in a circle", fmt::join(on_the_way, ", ")),
            "no_credentials");
    const profile p = *known;
    if (const auto arn = p.find("role_arn")) {
        auto c = co_await from_role(name, p, *arn, std::move(on_the_way));
        co_return c;
    }
    if (p.find("sso_session") || p.find("sso_start_url")) {
        auto c = co_await from_sso(name, p);
        co_return c;
    }
    if (auto c = written_in(p.credentials, profiles_.credentials_file, name))
        co_return c;
    if (const auto command = p.find("credential_process")) {
        auto c = co_await run_credential_process(outside_, *command, name);
        co_return c;
    }
    if (auto c = written_in(p.config, profiles_.config_file, name))
        co_return c;
    note(fmt::format("shared files: profile {} has no credentials {}", name, profiles_.where()));
    co_return std::nullopt;
}

task<credential_search::found> credential_search::look_everywhere()
{
    if (auto c = from_connection())
        co_return c;
    // Whoever names a profile in the connection means that one.
    if (settings_.profile.empty()) {
        if (auto c = from_environment())
            co_return c;
        // A profile's role comes before the web identity.
        const profile* p = profiles_.find(profiles_.chosen);
        if (!p || !p->find("role_arn")) {
            auto c = co_await from_web_identity();
            if (c)
                co_return c;
        }
    }
    auto by_profile = co_await from_profile(profiles_.chosen, {});
    if (by_profile)
        co_return by_profile;
    if (profiles_.named)
        co_return std::nullopt;
    auto of_container = co_await ask_container(outside_, variables_);
    if (of_container)
        co_return of_container;
    note("container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
    std::string said;
    auto of_instance = co_await ask_instance(outside_, variables_, said);
    if (!of_instance)
        note("instance metadata: " + said);
    co_return of_instance;
}

task<credentials> credential_search::find()
{
    auto c = co_await look_everywhere();
    if (!c)
        throw fatal(fmt::format("no AWS credentials were found: {}", fmt::join(said_, "; ")), "no_credentials");
    if (settings_.role_arn.empty())
        co_return std::move(*c);
    role_request r = role(settings_.role_arn);
    r.session_name = settings_.role_session_name;
    r.external_id = settings_.external_id;
    auto assumed = co_await assume_role(outside_, std::move(r), std::move(*c));
    co_return assumed;
}

} // namespace

void conceal(const outside& o, const credentials& c)
{
    if (!o.conceal)
        return;
    o.conceal(c.secret_access_key);
    if (!c.session_token.empty())
        o.conceal(c.session_token);
}

std::string_view domain_of(std::string_view region)
{
    return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

std::string region_of(const settings& s, const variables& v, const profiles& p)
{
    if (!s.region.empty())
        return s.region;
    for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
        if (auto region = v(name))
            return *region;
    }
    const auto* chosen = p.find(p.chosen);
    return chosen ? chosen->find("region").value_or("") : std::string();
}

std::string endpoint_of(const variables& v, const profiles& p, const std::string& setting)
{
    if (v("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or("") == "true")
        return {};
    for (const std::string& name : {"AWS_ENDPOINT_URL_" + setting, std::string("AWS_ENDPOINT_URL")}) {
        if (auto url = v(name))
            return *url;
    }
    const auto* chosen = p.find(p.chosen);
    if (!chosen)
        return {};
    if (const auto services = chosen->find("services")) {
        const std::string name = text::lower(setting);
        const auto known = p.services.find(*services);
        const auto url =
            known == p.services.end() ? section::const_iterator() : known->second.find(name + ".endpoint_url");
        if (known != p.services.end() && url != known->second.end())
            return url->second;
    }
    return chosen->find("endpoint_url").value_or("");
}

std::string sts_endpoint(const settings& s, const variables& v, const profiles& p, const std::string& region)
{
    std::string url = s.sts_endpoint_url.empty() ? endpoint_of(v, p, "STS") : s.sts_endpoint_url;
    while (url.ends_with('/'))
        url.pop_back();
    if (!url.empty())
        return url;
    return region.empty() ? "https://sts.amazonaws.com" : fmt::format("https://sts.{}.{}", region, domain_of(region));
}

task<credentials> find_credentials(outside o, settings s, variables v)
{
    auto p = co_await read_profiles(s.profile, v);
    credential_search search(o, std::move(s), std::move(v), std::move(p));
    auto c = co_await search.find();
    co_return c;
}

} // namespace potoo::aws
