// Where credentials come from, in which order, and what is said when there are none.

#include "tests/unit/aws/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace potoo;

namespace {

const std::string sts = "POST https://sts.eu-central-1.amazonaws.com/";

struct world : test::machine
{
    world() { set["AWS_REGION"] = "eu-central-1"; }

    aws::credentials look(aws::settings s = {})
    {
        aws::account a(std::move(s), variables());
        return *run(a.sign_in(outside()));
    }

    /// What is said instead; none of it may hold a secret.
    std::string refusal(aws::settings s = {}, const std::string& code = "no_credentials")
    {
        try {
            (void)look(std::move(s));
        } catch (const task_error& e) {
            BOOST_TEST(e.code() == code);
            BOOST_TEST(std::string(e.what()).find("5ecret") == std::string::npos, e.what());
            return e.what();
        }
        BOOST_ERROR("there are credentials");
        return {};
    }

    void both_files()
    {
        write(".aws/credentials", "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = default 5ecret\n"
                                  "[work]\naws_access_key_id=AKIDWORK\naws_secret_access_key=work 5ecret\n"
                                  "aws_session_token=work token\n");
        write(".aws/config", "[default]\nregion = us-west-2\n[profile deploy]\nrole_arn = arn:aws:iam::1:role/deploy\n"
                             "source_profile = work\nexternal_id = x/1\nrole_session_name = me\n");
    }

    [[nodiscard]] const http_request& asked(std::size_t i) const { return client.requests.at(i); }
};

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::string header(const http_request& r, std::string_view name)
{
    for (const auto& h : r.headers) {
        if (h.name == name)
            return h.value;
    }
    return {};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(aws_credentials, world)

BOOST_AUTO_TEST_CASE(connection_comes_first)
{
    both_files();
    set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    set["AWS_SECRET_ACCESS_KEY"] = "env 5ecret";
    aws::settings s;
    s.access_key_id = "AKIDCONNECTION";
    s.secret_access_key = "s";
    BOOST_TEST(look(s).access_key_id == "AKIDCONNECTION");
}

BOOST_AUTO_TEST_CASE(environment_comes_before_the_files)
{
    both_files();
    set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    set["AWS_SECRET_ACCESS_KEY"] = "env 5ecret";
    set["AWS_SESSION_TOKEN"] = "env token";
    const auto c = look();
    BOOST_TEST(c.access_key_id == "AKIDENV");
    BOOST_TEST(c.session_token == "env token");
    BOOST_TEST(c.source == "the environment");
}

BOOST_AUTO_TEST_CASE(profile_of_the_connection_comes_before_the_environment)
{
    both_files();
    set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    set["AWS_SECRET_ACCESS_KEY"] = "env 5ecret";
    const auto c = look({.profile = "work"});
    BOOST_TEST(c.access_key_id == "AKIDWORK");
    BOOST_TEST(c.session_token == "work token");
    BOOST_TEST(c.source == "profile work in " + home + "/.aws/credentials");
}

BOOST_AUTO_TEST_CASE(default_profile_is_read_from_both_files)
{
    both_files();
    BOOST_TEST(look().access_key_id == "AKIDDEFAULT");
    std::filesystem::remove(home + "/.aws/credentials");
    write(".aws/config", "[default]\naws_access_key_id = AKIDCONFIG\naws_secret_access_key = s # why\n");
    const auto c = look();
    BOOST_TEST(c.access_key_id == "AKIDCONFIG");
    BOOST_TEST(c.secret_access_key == "s");
}

BOOST_AUTO_TEST_CASE(environment_says_which_profile_and_which_files)
{
    write("elsewhere/keys", "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = s\n");
    set["AWS_SHARED_CREDENTIALS_FILE"] = "~/elsewhere/keys";
    set["AWS_PROFILE"] = "other";
    BOOST_TEST(look().access_key_id == "AKIDOTHER");
}

BOOST_AUTO_TEST_CASE(role_is_assumed_with_its_source_profile)
{
    both_files();
    answers[sts] = answer(200, role_answer("ASIAROLE"));
    const auto c = look({.profile = "deploy"});
    BOOST_TEST(c.access_key_id == "ASIAROLE");
    BOOST_TEST(c.session_token == "role token");
    BOOST_TEST(format_time(c.expires.value()) == "2099-01-01T00:00:00.000Z");
    BOOST_TEST(asked(0).body == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdeploy&"
                                "RoleSessionName=me&ExternalId=x%2F1");
    BOOST_TEST(contains(header(asked(0), "Authorization"), "Credential=AKIDWORK/"));
    BOOST_TEST(contains(header(asked(0), "Authorization"), "/eu-central-1/sts/aws4_request"));
    BOOST_TEST(header(asked(0), "X-Amz-Security-Token") == "work token");
}

BOOST_AUTO_TEST_CASE(role_of_the_connection_is_assumed_by_whoever_was_found)
{
    both_files();
    answers["POST http://sts.local/"] = answer(200, role_answer("ASIACONNECTION"));
    BOOST_TEST(look({.sts_endpoint_url = "http://sts.local/", .role_arn = "arn:r"}).access_key_id == "ASIACONNECTION");
    BOOST_TEST(contains(header(asked(0), "Authorization"), "Credential=AKIDDEFAULT/"));
}

BOOST_AUTO_TEST_CASE(refused_role_says_why)
{
    both_files();
    answers[sts] = answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
                               "</ErrorResponse>");
    const std::string said = refusal({.profile = "deploy"}, "forbidden");
    BOOST_TEST(contains(said, "arn:aws:iam::1:role/deploy"));
    BOOST_TEST(contains(said, "profile work"));
    BOOST_TEST(contains(said, "AccessDenied): not you"));
    answers[sts] = answer(403, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>gone</Message></Error>"
                               "</ErrorResponse>");
    BOOST_TEST(contains(refusal({.profile = "deploy"}, "unauthorized"), "InvalidClientTokenId"));
    answers[sts] = answer(503, "busy");
    BOOST_CHECK_THROW((void)look({.profile = "deploy"}), failure);
}

BOOST_AUTO_TEST_CASE(profiles_in_a_circle_are_refused)
{
    write(".aws/config", "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=a\n");
    BOOST_TEST(contains(refusal({.profile = "a"}), "in a circle"));
}

BOOST_AUTO_TEST_CASE(profile_that_names_itself_has_the_keys_for_its_role)
{
    write(".aws/config", "[profile a]\nrole_arn=r\nsource_profile=a\n");
    write(".aws/credentials", "[a]\naws_access_key_id=AKIDA\naws_secret_access_key=s\n");
    answers[sts] = answer(200, role_answer("ASIAROLE"));
    BOOST_TEST(look({.profile = "a"}).access_key_id == "ASIAROLE");
}

BOOST_AUTO_TEST_CASE(role_is_assumed_with_a_credential_source)
{
    write(".aws/config", "[default]\nrole_arn=r\ncredential_source=Environment\n[profile bad]\nrole_arn=r\n"
                         "credential_source=Nowhere\n[profile none]\nrole_arn=r\n[profile mfa]\nrole_arn=r\n"
                         "source_profile=default\nmfa_serial=arn:mfa\n");
    set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    set["AWS_SECRET_ACCESS_KEY"] = "env 5ecret";
    answers[sts] = answer(200, role_answer("ASIAROLE"));
    BOOST_TEST(look({.profile = "default"}).access_key_id == "ASIAROLE");
    BOOST_TEST(contains(refusal({.profile = "bad"}), "credential_source is Nowhere"));
    BOOST_TEST(contains(refusal({.profile = "none"}), "neither source_profile nor credential_source"));
    BOOST_TEST(contains(refusal({.profile = "mfa"}), "arn:mfa"));
}

BOOST_AUTO_TEST_CASE(web_identity_is_exchanged_for_a_role)
{
    write("token", "a.web.token\n");
    set["AWS_WEB_IDENTITY_TOKEN_FILE"] = home + "/token";
    set["AWS_ROLE_ARN"] = "arn:web";
    answers[sts] = answer(200, role_answer("ASIAWEB"));
    BOOST_TEST(look().access_key_id == "ASIAWEB");
    BOOST_TEST(asked(0).body == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aweb&"
                                "RoleSessionName=potoo&WebIdentityToken=a.web.token");
    BOOST_TEST(header(asked(0), "Authorization").empty());
}

BOOST_AUTO_TEST_CASE(credential_process_prints_credentials)
{
    write(".aws/config", "[profile p]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AKIDPROCESS\", "
                         "\"SecretAccessKey\": \"s\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'\n"
                         "[profile broken]\ncredential_process = echo 'no key here' >&2; exit 3\n"
                         "[profile silent]\ncredential_process = echo '{}'\n");
    const auto c = look({.profile = "p"});
    BOOST_TEST(c.access_key_id == "AKIDPROCESS");
    BOOST_TEST(c.expires.has_value());
    const std::string said = refusal({.profile = "broken"}, "unauthorized");
    BOOST_TEST(contains(said, "exit code 3: no key here"));
    BOOST_CHECK_THROW((void)look({.profile = "silent"}), failure);
}

BOOST_AUTO_TEST_CASE(sso_session_is_exchanged_for_a_role)
{
    write(".aws/config", "[profile s]\nsso_session = corp\nsso_account_id = 42\nsso_role_name = Reader\n"
                         "[sso-session corp]\nsso_region = us-east-2\nsso_start_url = https://corp.example\n"
                         "[profile old]\nsso_start_url = https://corp.example\nsso_region = us-east-2\n"
                         "sso_account_id = 42\nsso_role_name = Reader\n");
    // sha1 of `corp` and of the start URL
    const std::string cached = R"({"accessToken": "sso token", "expiresAt": "2099-01-01T00:00:00Z"})";
    BOOST_TEST(contains(refusal({.profile = "s"}, "unauthorized"), "aws sso login --profile s"));
    write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", cached);
    write(".aws/sso/cache/bf76a79a0d2919005ac43fa78017635692db6d30.json", cached);
    answers["GET https://portal.sso.us-east-2.amazonaws.com/federation/credentials"] =
        answer(200, R"({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
                        "expiration": 4070908800000}})");
    const auto c = look({.profile = "s"});
    BOOST_TEST(c.access_key_id == "ASIASSO");
    BOOST_TEST(format_time(c.expires.value()) == "2099-01-01T00:00:00.000Z");
    BOOST_TEST(asked(0).url == "https://portal.sso.us-east-2.amazonaws.com/federation/credentials?"
                               "role_name=Reader&account_id=42");
    BOOST_TEST(header(asked(0), "x-amz-sso_bearer_token") == "sso token");
    BOOST_TEST(look({.profile = "old"}).access_key_id == "ASIASSO");
    write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
          R"({"accessToken": "sso token", "expiresAt": "2020-01-01T00:00:00UTC"})");
    BOOST_TEST(contains(refusal({.profile = "s"}, "unauthorized"), "has expired"));
}

BOOST_AUTO_TEST_CASE(container_gives_credentials_for_a_token)
{
    const std::string body =
        R"({"AccessKeyId": "ASIATASK", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"})";
    set["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/abc";
    answers["GET http://169.254.170.2/v2/credentials/abc"] = answer(200, body);
    BOOST_TEST(look().access_key_id == "ASIATASK");
    set.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    write("token", "pod token\n");
    set["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
    set["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = home + "/token";
    answers["GET http://169.254.170.23/v1/credentials"] = answer(200, body);
    BOOST_TEST(look().session_token == "t");
    BOOST_TEST(header(asked(1), "Authorization") == "pod token");
    set["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/v1/credentials";
    BOOST_TEST(contains(refusal({}, "bad_url"), "must be https"));
}

BOOST_AUTO_TEST_CASE(instance_gives_credentials_of_its_role)
{
    set.erase("AWS_EC2_METADATA_DISABLED");
    set["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://imds.local/";
    answers["PUT http://imds.local/latest/api/token"] = answer(200, "imds token");
    answers["GET http://imds.local/latest/meta-data/iam/security-credentials/"] = answer(200, "my-role\n");
    answers["GET http://imds.local/latest/meta-data/iam/security-credentials/my-role"] =
        answer(200, R"({"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "t",
                        "Expiration": "2099-01-01T00:00:00Z"})");
    const auto c = look();
    BOOST_TEST(c.access_key_id == "ASIAINSTANCE");
    BOOST_TEST(c.source == "the instance's role my-role");
    BOOST_TEST(header(asked(0), "X-aws-ec2-metadata-token-ttl-seconds") == "21600");
    BOOST_TEST(header(asked(2), "X-aws-ec2-metadata-token") == "imds token");
}

BOOST_AUTO_TEST_CASE(every_place_is_named_when_there_are_none)
{
    set.erase("AWS_EC2_METADATA_DISABLED");
    const std::string said = refusal();
    for (const char* place : {"AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE", "no profile default in",
                              "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "http://169.254.169.254/latest/api/token"})
        BOOST_TEST(contains(said, place), place << " is not in: " << said);
    BOOST_TEST(contains(refusal({.profile = "nix"}), "there is no profile nix"));
}

BOOST_AUTO_TEST_CASE(half_a_key_is_an_error)
{
    write(".aws/credentials", "[default]\naws_access_key_id = AKIDHALF\n");
    BOOST_TEST(contains(refusal(), "has an aws_access_key_id and no"));
}

BOOST_AUTO_TEST_CASE(those_who_wait_share_one_search)
{
    write(".aws/config", "[default]\nrole_arn=r\ncredential_source=Environment\n");
    set["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    set["AWS_SECRET_ACCESS_KEY"] = "s";
    answers[sts] = answer(200, role_answer("ASIAROLE"));
    aws::account a({.profile = "default"}, variables());
    test::started_task<std::shared_ptr<const aws::credentials>> one(loop, a.sign_in(outside()));
    test::started_task<std::shared_ptr<const aws::credentials>> two(loop, a.sign_in(outside()));
    BOOST_TEST(finish(one)->access_key_id == "ASIAROLE");
    BOOST_TEST(finish(two)->access_key_id == "ASIAROLE");
    BOOST_TEST(client.requests.size() == 1u);
}

BOOST_AUTO_TEST_CASE(token_file_that_is_not_there_leaves_no_credentials)
{
    set["AWS_WEB_IDENTITY_TOKEN_FILE"] = home + "/nothing";
    set["AWS_ROLE_ARN"] = "arn:web";
    BOOST_TEST(contains(refusal(), "the file is not there"));
}

BOOST_AUTO_TEST_CASE(keys_that_a_role_is_assumed_with_are_concealed_from_all_who_hear_why_not)
{
    both_files();
    answers[sts] = answer(403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.\n\n"
                               "The Canonical String for this request should have been\n'x-amz-security-token:work "
                               "token'</Message></Error></ErrorResponse>");
    aws::account a({.profile = "deploy"}, variables());
    for (int i = 0; i < 2; ++i) {
        test::fake_context ctx(loop, "noop");
        ctx.client = &client;
        ctx.runner = &processes;
        BOOST_CHECK_EXCEPTION(run(a.sign_in(ctx)), fatal, [](const fatal& e) {
            return contains(e.what(), "It does not match.") && !contains(e.what(), "work token");
        });
        for (const char* secret : {"work 5ecret", "work token"})
            BOOST_TEST(std::ranges::count(ctx.concealed, secret) == 1, secret);
    }
    BOOST_TEST(client.requests.size() == 1u);
}

BOOST_AUTO_TEST_CASE(region_and_address_are_looked_up)
{
    const auto address = [&](aws::settings s, std::string own = {}) {
        aws::account a(std::move(s), variables());
        return run(a.find_address("batch", "BATCH", std::move(own)));
    };
    BOOST_TEST(address({}).url == "https://batch.eu-central-1.amazonaws.com");
    BOOST_TEST(address({.region = "cn-north-1"}).url == "https://batch.cn-north-1.amazonaws.com.cn");
    set.erase("AWS_REGION");
    BOOST_CHECK_THROW((void)address({}), fatal);
    both_files();
    BOOST_TEST(address({}).region == "us-west-2");
    BOOST_CHECK_EXCEPTION((void)address({.profile = "nix"}), fatal,
                          [](const fatal& e) { return contains(e.what(), "there is no AWS profile nix"); });
    write(".aws/config", "[default]\nregion=r\nservices = local\n[services local]\nbatch =\n  endpoint_url = http://b\n"
                         "s3 =\n  endpoint_url = http://s\n[profile flat]\nregion=r\nendpoint_url=http://f/\n");
    BOOST_TEST(address({}).url == "http://b");
    BOOST_TEST(address({.profile = "flat"}).url == "http://f");
    set["AWS_ENDPOINT_URL"] = "http://all";
    BOOST_TEST(address({}).url == "http://all");
    set["AWS_ENDPOINT_URL_BATCH"] = "http://one/";
    BOOST_TEST(address({}).url == "http://one");
    BOOST_TEST(address({}, "http://own").url == "http://own");
    BOOST_TEST(address({}).given);
}

BOOST_AUTO_TEST_SUITE_END()
