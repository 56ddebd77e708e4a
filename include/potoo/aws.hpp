#pragma once
/// @file
/// Amazon's web services: who asks, with which credentials, and how a request is signed. For operators and sensors that
/// speak to one of them over `context::http`.

#include <potoo/connection.hpp>
#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo {
class process_runner;
}

namespace potoo::aws {

/// What is asked on the way to an answer.
struct outside
{
    /// Outlives every attempt: for a watcher. Secrets are masked nowhere; see `account::conceal_in`.
    outside(http_client& h, process_runner& p, potoo::loop& l) : http(h), processes(p), loop(l) {}

    /// For that attempt, while it waits: every secret is masked in its run before it is sent.
    outside(context& ctx)
        : http(ctx.http()), processes(ctx.processes()), loop(ctx.loop()),
          conceal([&ctx](const std::string& secret) { ctx.conceal(secret); })
    {}

    http_client& http;
    process_runner& processes;
    potoo::loop& loop;
    std::function<void(const std::string& secret)> conceal; ///< may be empty
};

struct credentials
{
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;        ///< empty when they are not temporary
    std::optional<wall_time> expires; ///< nothing when they last
    std::string source;               ///< where they came from, for messages: `the environment`, `profile work in …`

    /// The same key, wherever it came from.
    [[nodiscard]] bool same_key(const credentials& other) const noexcept
    {
        return access_key_id == other.access_key_id && secret_access_key == other.secret_access_key &&
               session_token == other.session_token;
    }
};

/// Signs a request (Signature Version 4, `AWS4-HMAC-SHA256`): adds `X-Amz-Date`, `Authorization` and, where there is a
/// session token, `X-Amz-Security-Token`; for the service `s3` also `X-Amz-Content-Sha256`. All headers that the
/// request has are signed: to be called last. The path must be percent-encoded already.
void sign(http_request& r, const credentials& c, std::string_view region, std::string_view service, wall_time now);

/// Everything but letters, digits and `-._~` as `%XX`. @param keep_slashes for the key of an object, which is a path
[[nodiscard]] std::string percent_encoded(std::string_view text, bool keep_slashes = false);

/// The text in the first element of that name, entities resolved. Enough for answers whose elements are known.
[[nodiscard]] std::optional<std::string> xml_text(std::string_view document, std::string_view element);

/// What is between the tags of each element of that name, as it stands.
[[nodiscard]] std::vector<std::string_view> xml_elements(std::string_view document, std::string_view element);

/// What a connection says of who asks and where. What it leaves open, the environment and the shared files of other AWS
/// tools say (`AWS_PROFILE`, `~/.aws/config`, …).
struct settings
{
    std::string region{};
    std::string endpoint_url{};     ///< of the one service that the connection is for
    std::string sts_endpoint_url{}; ///< of the service that gives out temporary credentials
    std::string profile{};
    std::string access_key_id{};
    std::string secret_access_key{};
    std::string session_token{};
    std::string role_arn{}; ///< to be assumed by whoever the rest says
    std::string role_session_name{};
    std::string external_id{};
};

/// Reads those settings of a connection, by the names above. @throws fatal when one is of the wrong kind
[[nodiscard]] settings read_settings(connection_reader& c);

/// The value of an environment variable; empty counts as not set.
using variables = std::function<std::optional<std::string>(const std::string& name)>;

/// Who asks. Finds credentials where AWS's own tools do, in their order: the connection; environment; profile with
/// `role_arn`; web identity; SSO; shared files and `credential_process`; container; instance metadata. Keeps them until
/// five minutes before they expire, or the last quarter of their life if that is shorter; then looks for others, at
/// most every ten seconds. Shared by all attempts with the same settings (`account_of`).
class account
{
  public:
    /// @param v by default the environment of the process
    explicit account(settings s, variables v = {});

    account(const account&) = delete;
    account& operator=(const account&) = delete;

    /// Credentials to sign with, concealed; those that wait while somebody looks for them get the same.
    /// @throws fatal `no_credentials`, naming each place that was looked at and what it said; `unauthorized` or
    /// `forbidden` when a place refused; failure when a place could not be asked
    [[nodiscard]] task<std::shared_ptr<const credentials>> sign_in(outside o);

    /// Has the credentials that were found of late, and those that they were got with, masked in that attempt's run.
    void conceal_in(const outside& o) const;

    /// A service does not accept them: whoever asks next looks for others.
    void refused(const credentials& c) noexcept;

    /// Where a service is.
    struct address
    {
        std::string region;
        std::string url;    ///< without a slash at its end
        bool given = false; ///< the URL was set by somebody, and is not AWS's own
    };

    /// @param host the service's part of the host name: `batch`, `logs`, `s3`
    /// @param setting as in `AWS_ENDPOINT_URL_BATCH`: `BATCH`, `CLOUDWATCH_LOGS`, `S3`
    /// @param own_endpoint what the connection says of this service, may be empty
    /// @throws fatal `no_region`
    [[nodiscard]] task<address> find_address(std::string host, std::string setting, std::string own_endpoint);

    /// What tells accounts apart, without a secret.
    [[nodiscard]] const std::string& key() const noexcept { return key_; }

    [[nodiscard]] const settings& asked() const noexcept { return settings_; }

  private:
    [[nodiscard]] bool usable(potoo::loop& l) const noexcept;
    void remember(const std::string& secret);
    void take(credentials c, wall_time now);
    task<> look_again(outside o);

    settings settings_;
    variables variables_;
    std::string key_;
    semaphore looking_{1};
    std::shared_ptr<const credentials> current_;
    bool refused_ = false;
    duration margin_{0};               ///< before the end of the current ones, when others are looked for
    steady_time searched_at_{};        ///< the last search that left some
    std::vector<std::string> secrets_; ///< of late, the last one last
    std::exception_ptr failure_;       ///< of the last search
    steady_time failed_at_{};
};

/// The one of these settings. It lives as long as the engine.
[[nodiscard]] account& account_of(context& ctx, const settings& s);

/// What an error answer says, in XML or JSON or headers; both empty when it says nothing.
struct service_error
{
    std::string code;    ///< `ThrottlingException`
    std::string message; ///< without the signed headers that a wrong signature is explained with
};

[[nodiscard]] service_error error_of(const http_response& r);

/// One service as one account sees it. Shared by attempts; the account outlives it.
class service
{
  public:
    struct description
    {
        std::string name;         ///< for people: `AWS Batch`
        std::string host;         ///< see `account::find_address`
        std::string setting;      ///< likewise
        std::string signing_name; ///< in the signature: `batch`
        std::string endpoint_url; ///< from the connection, may be empty
        duration request_timeout{30'000};
    };

    service(account& a, description d) : account_(a), what_(std::move(d)) {}

    service(const service&) = delete;
    service& operator=(const service&) = delete;

    enum class nature : std::uint8_t
    {
        repeatable, ///< sending it twice does no harm
        launches,   ///< a lost answer leaves it open whether something was made
    };

    /// Sends a request, signed; one that is refused for its credentials is sent once more with those that are then
    /// found. @param r its URL is a path, or whole
    /// @return a response of any status but refusals
    /// @throws fatal `unauthorized`, `clock_skew`, `no_credentials`, `no_region`; failure or unknown_outcome when there
    /// is no answer
    [[nodiscard]] task<http_response> exchange(outside o, http_request r, nature n);

    /// The same, and only 2xx is an answer.
    /// @throws fatal `forbidden`, or the service's own code when asking again is no use; failure `throttled`, after
    /// those that `on_throttle` named were told; failure or unknown_outcome when the service fails
    [[nodiscard]] task<http_response> send(outside o, http_request r, nature n);

    /// Throws what `send` throws for such a response.
    [[noreturn]] void raise(const outside& o, const http_request& asked, const http_response& r, nature n);

    /// `slow_down` is called when the service asks for fewer requests: nothing should be sent to it before that time.
    void on_throttle(std::function<void(steady_time until)> slow_down) { slow_down_ = std::move(slow_down); }

    [[nodiscard]] task<account::address> address();

    [[nodiscard]] const description& what() const noexcept { return what_; }

    /// See `account::conceal_in`.
    void conceal_in(const outside& o) const { account_.conceal_in(o); }

  private:
    [[nodiscard]] std::string as_whom(const credentials& c) const;
    [[noreturn]] void raise_refusal(const service_error& e, const credentials& c) const;
    void throttle(const outside& o, const http_response& r);

    account& account_;
    description what_;
    std::optional<account::address> address_;
    std::string last_identity_; ///< of the last request, for messages
    std::function<void(steady_time)> slow_down_;
    duration pause_{0}; ///< after the last throttled request
    steady_time paused_until_{};
};

} // namespace potoo::aws
