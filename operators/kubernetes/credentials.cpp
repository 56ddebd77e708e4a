#include "credentials.hpp"

#include "base_encoding.hpp"
#include "json_lookup.hpp"

#include <potoo/blocking.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <unistd.h>

namespace potoo::kubernetes {
namespace {

/// The kubelet writes a pod's token anew long before it expires.
constexpr duration token_file_age{60'000};
/// A token is not used any more this long before it expires.
constexpr duration before_expiry{30'000};
/// No credential is used for longer without asking whether there is a newer one: some say that they live for ever.
constexpr duration longest_use{86'400'000};
constexpr duration plugin_time{60'000};
constexpr duration between_renewals{5'000};
constexpr std::size_t most_of_an_answer = std::size_t{1} << 20;
constexpr std::size_t most_of_a_complaint = 500;

[[noreturn]] void fail(const std::string& why)
{
    throw failure(why, "credentials_failed");
}

std::vector<std::string> whole_environment(const exec_plugin& p)
{
    std::vector<std::string> all;
    for (char** v = environ; *v; ++v) {
        const std::string_view one = *v;
        const std::string_view name = one.substr(0, one.find('='));
        const bool replaced =
            name == "KUBERNETES_EXEC_INFO" ||
            std::any_of(p.environment.begin(), p.environment.end(), [&](const auto& e) { return e.first == name; });
        if (!replaced)
            all.emplace_back(one);
    }
    for (const auto& [name, value] : p.environment)
        all.push_back(fmt::format("{}={}", name, value));
    json::object spec{{"interactive", false}};
    if (!p.cluster_info.empty())
        spec["cluster"] = json::parse(p.cluster_info);
    all.push_back("KUBERNETES_EXEC_INFO=" + json::serialize(json::object{{"apiVersion", p.api_version},
                                                                         {"kind", "ExecCredential"},
                                                                         {"spec", std::move(spec)}}));
    return all;
}

std::string token_in(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string token = text.str();
    while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ')
        token.pop_back();
    if (!in || token.empty())
        fail(fmt::format("the token file {} cannot be read, or is empty", file));
    return token;
}

/// Output of a program, no more of it than is of use.
struct captured_output
{
    std::string text;
    std::string complaint;

    void add(output_stream stream, std::string_view piece)
    {
        const bool good = stream == output_stream::standard_output;
        std::string& kept = good ? text : complaint;
        const std::size_t room = (good ? most_of_an_answer : most_of_a_complaint) - kept.size();
        kept.append(piece.substr(0, room));
    }
};

} // namespace

credentials::credentials(potoo::loop& l, process_runner& processes, cluster_settings s,
                         std::function<cluster_settings()> reread)
    : loop_(l), processes_(processes), settings_(std::move(s)), reread_(std::move(reread))
{
    take(settings_);
}

void credentials::take(const cluster_settings& s)
{
    tls_ = s.tls;
    known_ = false;
    due_ = steady_time::max();
    if (s.exec || !s.token_file.empty())
        return;
    known_ = true;
    token_.clear();
    authorization_.clear();
    if (!s.token.empty())
        use_token(s.token);
    else if (!s.user_name.empty()) {
        token_ = s.password;
        authorization_ = "Basic " + base64_encoded(s.user_name + ":" + s.password);
    }
    ++version_;
}

void credentials::use_token(std::string token)
{
    known_ = true;
    if (token == token_)
        return;
    token_ = std::move(token);
    authorization_ = "Bearer " + token_;
    ++version_;
}

std::vector<std::string> credentials::secrets() const
{
    std::vector<std::string> all;
    for (const std::string* s : {&token_, &authorization_, &tls_.key_pem}) {
        if (!s->empty())
            all.push_back(*s);
    }
    return all;
}

bool credentials::due() const
{
    return !known_ || loop_.now() >= due_;
}

task<> credentials::refresh_if_due()
{
    if (!due())
        co_return;
    co_await one_at_a_time_.acquire();
    const slot_guard mine(one_at_a_time_);
    if (!due())
        co_return;
    co_await get_anew();
}

/// Where they come from is known already.
task<> credentials::get_anew()
{
    if (settings_.exec)
        co_await ask_plugin();
    else if (!settings_.token_file.empty())
        co_await read_token_file();
}

task<bool> credentials::renew(std::uint64_t refused)
{
    co_await one_at_a_time_.acquire();
    const slot_guard mine(one_at_a_time_);
    if (version_ != refused)
        co_return true;
    // Others were refused just now: what was read or asked for then is no better.
    if (loop_.now() < renewed_ + between_renewals)
        co_return false;
    renewed_ = loop_.now();
    if (settings_.exec || !settings_.token_file.empty())
        co_await get_anew();
    else
        co_await reread_settings();
    co_return version_ != refused;
}

task<> credentials::adopt(cluster_settings s)
{
    co_await one_at_a_time_.acquire();
    const slot_guard mine(one_at_a_time_);
    [[maybe_unused]] const bool changed = replace(std::move(s));
}

task<> credentials::reread_settings()
{
    cluster_settings again;
    try {
        auto read = co_await blocking(reread_);
        again = std::move(read);
    } catch (const cancelled&) {
        throw;
    } catch (const std::exception& e) {
        fail(e.what());
    }
    // What is said of another cluster or user now is not for this one.
    if (again.server != settings_.server || again.identity != settings_.identity)
        co_return;
    const bool changed = replace(std::move(again));
    if (changed)
        co_await get_anew();
}

/// @return whether there was anything new in it
bool credentials::replace(cluster_settings s)
{
    const bool same = s.token == settings_.token && s.user_name == settings_.user_name &&
                      s.password == settings_.password && s.tls == settings_.tls && s.exec == settings_.exec &&
                      s.token_file == settings_.token_file;
    if (same)
        return false;
    settings_ = std::move(s);
    take(settings_);
    return true;
}

task<> credentials::read_token_file()
{
    const auto read = [file = settings_.token_file] { return token_in(file); };
    std::string token = co_await blocking(read);
    use_token(std::move(token));
    due_ = loop_.now() + token_file_age;
}

task<> credentials::ask_plugin()
{
    const exec_plugin plugin = *settings_.exec;
    process_spec spec;
    spec.arguments = plugin.arguments;
    spec.arguments.insert(spec.arguments.begin(), plugin.command);
    spec.environment = whole_environment(plugin);
    captured_output output;
    process_end end;
    std::string trouble;
    try {
        auto run = processes_.run(std::move(spec),
                                  [&output](output_stream s, std::string_view piece) { output.add(s, piece); });
        const auto ended = co_await in_time(std::move(run), loop_.now() + plugin_time);
        end = ended.value_or(process_end());
        if (!ended)
            trouble = fmt::format("it did not end within {}", format_duration(plugin_time));
    } catch (const std::exception& e) {
        trouble = e.what();
        if (!plugin.hint.empty())
            trouble += fmt::format(" ({})", plugin.hint);
    }
    if (trouble.empty() && (end.exit_code != 0 || end.signal != 0))
        trouble = fmt::format("it ended with {} {}: {}", end.signal != 0 ? "signal" : "exit code",
                              end.signal != 0 ? end.signal : end.exit_code, output.complaint);
    if (!trouble.empty())
        fail(fmt::format("the credential plugin {} of the kubeconfig failed: {}", plugin.command, trouble));
    take_exec_credential(output.text);
}

void credentials::take_exec_credential(const std::string& text)
{
    const std::string& command = settings_.exec->command;
    const auto printed = parsed(text);
    if (!printed || text_at(*printed, "/kind") != "ExecCredential")
        fail(fmt::format("the credential plugin {} did not print an ExecCredential", command));
    const json::value& v = *printed;
    const std::string_view token = text_at(v, "/status/token");
    const std::string_view certificate = text_at(v, "/status/clientCertificateData");
    if (token.empty() && certificate.empty())
        fail(fmt::format("the credential plugin {} printed neither a token nor a certificate", command));
    if (!certificate.empty() && tls_.certificate_pem != certificate) {
        tls_.certificate_pem = certificate;
        tls_.key_pem = text_at(v, "/status/clientKeyData");
        tls_.certificate_file.clear();
        tls_.key_file.clear();
        known_ = true;
        ++version_;
    }
    if (!token.empty())
        use_token(std::string(token));
    due_ = steady_time::max();
    if (const std::string_view expiry = text_at(v, "/status/expirationTimestamp"); !expiry.empty()) {
        const auto t = parse_time(expiry);
        if (!t)
            fail(fmt::format("the credential plugin {} printed the expirationTimestamp {}, which is no time", command,
                             expiry));
        // Of one that lives shorter than that, half its life.
        const duration left = std::clamp<duration>(*t - loop_.wall_now(), duration{0}, longest_use);
        due_ = loop_.now() + std::max(left - before_expiry, left / 2);
    }
}

} // namespace potoo::kubernetes
