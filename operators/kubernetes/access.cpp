#include "access.hpp"

#include "kubeconfig.hpp"

#include <potoo/connection.hpp>
#include <potoo/error.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace potoo::kubernetes {
namespace {

namespace fs = std::filesystem;

constexpr const char* account_folder = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool is_there(const fs::path& file)
{
    std::error_code ec;
    return fs::exists(file, ec);
}

/// The first of `KUBECONFIG` that exists, else the usual place; empty when there is none.
std::string usual_kubeconfig()
{
    std::string_view list;
    const std::string given = variable("KUBECONFIG");
    for (list = given; !list.empty();) {
        const auto colon = list.find(':');
        const std::string_view one = list.substr(0, colon);
        if (!one.empty() && is_there(fs::path(one)))
            return std::string(one);
        list = colon == std::string_view::npos ? std::string_view() : list.substr(colon + 1);
    }
    if (!given.empty())
        throw fatal(fmt::format("KUBECONFIG is {}, and no such file exists", given), "bad_kubeconfig");
    const fs::path usual = fs::path(variable("HOME")) / ".kube" / "config";
    return is_there(usual) ? usual.string() : "";
}

/// Changes whenever the file is written.
std::string stamp_of(const std::string& file)
{
    std::error_code ec;
    const auto written = fs::last_write_time(file, ec);
    const auto size = ec ? 0 : fs::file_size(file, ec);
    return ec ? std::string() : fmt::format("{} {} {}", file, written.time_since_epoch().count(), size);
}

std::string account_file(const char* name)
{
    const std::string folder = variable("POTOO_SERVICE_ACCOUNT");
    return fmt::format("{}/{}", folder.empty() ? account_folder : folder.c_str(), name);
}

bool in_pod()
{
    return !variable("KUBERNETES_SERVICE_HOST").empty() && is_there(account_file("token"));
}

void read_limits(connection_reader& c, access_origin& o)
{
    request_gate::limits requests;
    watcher::limits polls{.page = 100, .concurrency = 4, .per_second = 0};
    c.read_limits(requests, polls);
    o.concurrency = requests.concurrency;
    o.per_second = requests.per_second;
    o.poll_concurrency = polls.concurrency;
    o.polls_per_second = polls.per_second;
}

void read_direct(connection_reader& c, access_origin& o)
{
    o.server = c.text("url").value_or("");
    while (o.server.ends_with('/'))
        o.server.pop_back();
    if (!o.server.empty() && !o.server.starts_with("https://") && !o.server.starts_with("http://"))
        throw fatal(fmt::format("the connection's `url` must begin with https:// or http://, not {:?}", o.server));
    o.token = c.text("token").value_or("");
    o.token_file = c.text("token_file").value_or("");
    o.tls.ca_pem = c.text("ca").value_or("");
    o.tls.ca_file = c.text("ca_file").value_or("");
    o.tls.certificate_file = c.text("certificate_file").value_or("");
    o.tls.key_file = c.text("key_file").value_or("");
    o.tls.server_name = c.text("server_name").value_or("");
    o.tls.verify_certificate = !c.flag("insecure_skip_tls_verify").value_or(false);
    if (!o.token.empty() && !o.token_file.empty())
        throw fatal("the connection has a `token` and a `token_file`: one of them says who you are");
}

std::string text_of_file(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string s = text.str();
    while (!s.empty() && (s.back() == '\n' || s.back() == '\r' || s.back() == ' '))
        s.pop_back();
    return s;
}

cluster_settings of_pod()
{
    cluster_settings s;
    const std::string host = variable("KUBERNETES_SERVICE_HOST");
    const std::string port = variable("KUBERNETES_SERVICE_PORT");
    const bool six = host.find(':') != std::string::npos;
    s.server = fmt::format("https://{}{}{}:{}", six ? "[" : "", host, six ? "]" : "", port.empty() ? "443" : port);
    s.token_file = account_file("token");
    s.tls.ca_file = account_file("ca.crt");
    s.name_space = text_of_file(account_file("namespace"));
    s.identity = fmt::format("the service account of this pod ({})", s.token_file);
    return s;
}

cluster_settings of_connection(const access_origin& o)
{
    cluster_settings s;
    s.server = o.server;
    s.tls = o.tls;
    s.token = o.token;
    s.token_file = o.token_file;
    s.identity = !o.token.empty()                  ? "the connection's token"
                 : !o.token_file.empty()           ? fmt::format("the token in {}", o.token_file)
                 : !o.tls.certificate_file.empty() ? fmt::format("the certificate {}", o.tls.certificate_file)
                                                   : "nobody: the connection has no token, token_file or certificate";
    return s;
}

} // namespace

access_origin read_access(context& ctx)
{
    access_origin o;
    connection_reader c(ctx, "kubernetes");
    read_direct(c, o);
    o.kubeconfig = c.text("kubeconfig").value_or("");
    o.context = c.text("context").value_or("");
    o.name_space = c.text("namespace").value_or("");
    read_limits(c, o);
    c.finish();
    if (!o.server.empty()) {
        if (!o.kubeconfig.empty() || !o.context.empty())
            throw fatal("the connection has a `url` and a `kubeconfig` or `context`: one of them says which cluster");
        o.from = access_origin::kind::connection;
        return o;
    }
    if (o.tls != http_options() || !o.token.empty() || !o.token_file.empty())
        throw fatal("the connection says who you are, but not to which cluster: its `url` is missing");
    if (!o.kubeconfig.empty())
        o.from = access_origin::kind::kubeconfig;
    return o;
}

found_access find_access(access_origin said, const std::string& known)
{
    using kind = access_origin::kind;
    found_access f{std::move(said), {}, {}};
    access_origin& o = f.where;
    if (o.from == kind::unsaid) {
        o.kubeconfig = usual_kubeconfig();
        if (o.kubeconfig.empty() && !in_pod())
            throw fatal("no Kubernetes cluster is known: there is no connection called kubernetes, KUBECONFIG is not "
                        "set, there is no ~/.kube/config, and this is not a pod with a service account",
                        "no_cluster");
        o.from = o.kubeconfig.empty() ? kind::pod : kind::kubeconfig;
    }
    f.stamp = o.from == kind::kubeconfig ? stamp_of(o.kubeconfig) : o.from == kind::pod ? "pod" : "connection";
    if (f.stamp.empty() || f.stamp != known)
        f.settings = resolve(o);
    return f;
}

cluster_settings resolve(const access_origin& origin)
{
    cluster_settings s;
    switch (origin.from) {
    case access_origin::kind::unsaid:
        throw std::logic_error("an origin that says nothing");
    case access_origin::kind::connection:
        s = of_connection(origin);
        break;
    case access_origin::kind::kubeconfig:
        s = load_kubeconfig(origin.kubeconfig, origin.context);
        break;
    case access_origin::kind::pod:
        s = of_pod();
        break;
    }
    if (!origin.name_space.empty())
        s.name_space = origin.name_space;
    if (s.name_space.empty())
        s.name_space = "default";
    return s;
}

} // namespace potoo::kubernetes
