#pragma once
/// @file
/// Where credentials come from that are not written down: each a question to a service or a program. None shows a
/// secret in what it throws.

#include "engine/aws/profiles.hpp"

#include <potoo/aws.hpp>
#include <potoo/context.hpp>

#include <optional>
#include <string>

namespace potoo::aws {

/// To be called before they are used.
void conceal(const outside& o, const credentials& c);

struct role_request
{
    std::string arn;
    std::string session_name;
    std::string external_id;
    std::string duration_seconds;
    std::string endpoint; ///< of STS
    std::string region;
};

/// STS AssumeRole.
[[nodiscard]] task<credentials> assume_role(outside o, role_request r, credentials by);

/// STS AssumeRoleWithWebIdentity.
[[nodiscard]] task<credentials> assume_role_with_token(outside o, role_request r, std::string token_file);

struct sso_request
{
    std::string cache_key; ///< the session's name, or the start URL of a profile without one
    std::string region;
    std::string account;
    std::string role;
    std::string profile;   ///< for messages
    std::string directory; ///< `~/.aws`
    std::string endpoint;  ///< empty = AWS's own
};

/// The access token that `aws sso login` left, exchanged for a role's credentials.
[[nodiscard]] task<credentials> sign_in_by_sso(outside o, sso_request r);

/// A program that prints them.
[[nodiscard]] task<credentials> run_credential_process(outside o, std::string command, std::string profile);

/// @return nothing when the environment names no container endpoint
[[nodiscard]] task<std::optional<credentials>> ask_container(outside o, variables v);

/// IMDSv2. @param said why there are none
[[nodiscard]] task<std::optional<credentials>> ask_instance(outside o, variables v, std::string& said);

/// Looks at all places, in order. @throws fatal `no_credentials`
[[nodiscard]] task<credentials> find_credentials(outside o, settings s, variables v);

/// Where STS is.
[[nodiscard]] std::string sts_endpoint(const settings& s, const variables& v, const profiles& p,
                                       const std::string& region);

/// The region that is set for a profile, empty if there is none.
[[nodiscard]] std::string region_of(const settings& s, const variables& v, const profiles& p);

/// What the environment and the profile say of a service's address, empty if nothing.
/// @param setting as in `AWS_ENDPOINT_URL_BATCH`
[[nodiscard]] std::string endpoint_of(const variables& v, const profiles& p, const std::string& setting);

/// `amazonaws.com`, or that of the partition.
[[nodiscard]] std::string_view domain_of(std::string_view region);

} // namespace potoo::aws
