#include "kubeconfig.hpp"

#include "base_encoding.hpp"

#include <potoo/error.hpp>
#include <potoo/json.hpp>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>

namespace potoo::kubernetes {
namespace {

namespace fs = std::filesystem;

class kubeconfig
{
  public:
    kubeconfig(const std::string& text, const fs::path& file) : file_(file)
    {
        try {
            root_ = YAML::Load(text);
        } catch (const YAML::Exception& e) {
            fail(e.what());
        }
        if (!root_.IsMap())
            fail("it is no map with clusters, users and contexts");
    }

    [[nodiscard]] cluster_settings settings(std::string_view context_name) const
    {
        std::string name(context_name);
        if (name.empty())
            name = text(root_, "current-context", "the file");
        if (name.empty())
            fail("it has no current-context: name one by the connection's `context`");
        const YAML::Node context = named("contexts", "context", name);
        const std::string where = fmt::format("the context {}", name);
        const std::string cluster_name = text(context, "cluster", where);
        const std::string user_name = text(context, "user", where);
        cluster_settings s;
        s.name_space = text(context, "namespace", where);
        const YAML::Node cluster = named("clusters", "cluster", cluster_name);
        read_cluster(s, cluster, fmt::format("the cluster {}", cluster_name));
        s.identity = fmt::format("user {} of {}", user_name, file_.string());
        if (!user_name.empty())
            read_user(s, named("users", "user", user_name), cluster, fmt::format("the user {}", user_name));
        return s;
    }

  private:
    [[noreturn]] void fail(const std::string& why) const
    {
        throw fatal(fmt::format("the kubeconfig {} cannot be used: {}", file_.string(), why), "bad_kubeconfig");
    }

    [[nodiscard]] YAML::Node named(const char* list, const char* kind, const std::string& name) const
    {
        const YAML::Node all = root_[list];
        if (all && !all.IsSequence())
            fail(fmt::format("its {} are no list", list));
        for (std::size_t i = 0; all && i < all.size(); ++i) {
            const YAML::Node entry = all[i];
            if (!entry.IsMap() || text(entry, "name", list) != name)
                continue;
            const YAML::Node found = entry[kind];
            if (found && found.IsMap())
                return found;
            return YAML::Node(YAML::NodeType::Map);
        }
        fail(fmt::format("it has no {} called {}", kind, name));
    }

    /// Empty when it is not there.
    [[nodiscard]] std::string text(const YAML::Node& map, const char* key, const std::string& where) const
    {
        const YAML::Node found = map[key];
        if (!found || found.IsNull())
            return {};
        if (!found.IsScalar())
            fail(fmt::format("`{}` of {} must be text", key, where));
        return found.Scalar();
    }

    [[nodiscard]] std::string path(const YAML::Node& map, const char* key, const std::string& where) const
    {
        const std::string given = text(map, key, where);
        if (given.empty() || fs::path(given).is_absolute())
            return given;
        return (file_.parent_path() / given).string();
    }

    [[nodiscard]] std::string data(const YAML::Node& map, const char* key, const std::string& where) const
    {
        const std::string given = text(map, key, where);
        auto bytes = base64_decoded(given);
        if (!bytes)
            fail(fmt::format("`{}` of {} is not base64", key, where));
        return std::move(*bytes);
    }

    void read_cluster(cluster_settings& s, const YAML::Node& cluster, const std::string& where) const
    {
        s.server = text(cluster, "server", where);
        while (s.server.ends_with('/'))
            s.server.pop_back();
        if (!s.server.starts_with("https://") && !s.server.starts_with("http://"))
            fail(fmt::format("`server` of {} must be an http:// or https:// URL, not {:?}", where, s.server));
        if (!text(cluster, "proxy-url", where).empty())
            fail(fmt::format("{} has a `proxy-url`: say it by HTTPS_PROXY in the engine's environment", where));
        s.tls.ca_file = path(cluster, "certificate-authority", where);
        s.tls.ca_pem = data(cluster, "certificate-authority-data", where);
        if (!s.tls.ca_pem.empty())
            s.tls.ca_file.clear();
        s.tls.server_name = text(cluster, "tls-server-name", where);
        s.tls.verify_certificate = text(cluster, "insecure-skip-tls-verify", where) != "true";
    }

    void read_user(cluster_settings& s, const YAML::Node& user, const YAML::Node& cluster,
                   const std::string& where) const
    {
        s.tls.certificate_file = path(user, "client-certificate", where);
        s.tls.key_file = path(user, "client-key", where);
        s.tls.certificate_pem = data(user, "client-certificate-data", where);
        s.tls.key_pem = data(user, "client-key-data", where);
        if (!s.tls.certificate_pem.empty())
            s.tls.certificate_file.clear();
        if (!s.tls.key_pem.empty())
            s.tls.key_file.clear();
        s.token_file = path(user, "tokenFile", where);
        if (s.token_file.empty())
            s.token = text(user, "token", where);
        s.user_name = text(user, "username", where);
        s.password = text(user, "password", where);
        if (user["auth-provider"])
            fail(fmt::format("{} has an `auth-provider`, which Kubernetes has given up: use `exec`", where));
        if (const YAML::Node exec = user["exec"]; exec && exec.IsMap())
            s.exec = read_exec(exec, cluster, where);
    }

    [[nodiscard]] exec_plugin read_exec(const YAML::Node& exec, const YAML::Node& cluster,
                                        const std::string& where) const
    {
        exec_plugin p;
        p.api_version = text(exec, "apiVersion", where);
        if (p.api_version != "client.authentication.k8s.io/v1" &&
            p.api_version != "client.authentication.k8s.io/v1beta1")
            fail(fmt::format("`exec.apiVersion` of {} must be client.authentication.k8s.io/v1 or v1beta1, not {:?}",
                             where, p.api_version));
        p.command = text(exec, "command", where);
        if (p.command.empty())
            fail(fmt::format("`exec` of {} has no command", where));
        if (p.command.find('/') != std::string::npos)
            p.command = path(exec, "command", where);
        if (text(exec, "interactiveMode", where) == "Always")
            fail(fmt::format("`exec` of {} needs a terminal (interactiveMode: Always), and an engine has none", where));
        const YAML::Node arguments = exec["args"];
        for (std::size_t i = 0; arguments && arguments.IsSequence() && i < arguments.size(); ++i) {
            if (!arguments[i].IsScalar())
                fail(fmt::format("`exec.args` of {} must be texts", where));
            p.arguments.push_back(arguments[i].Scalar());
        }
        const YAML::Node variables = exec["env"];
        for (std::size_t i = 0; variables && variables.IsSequence() && i < variables.size(); ++i)
            p.environment.emplace_back(text(variables[i], "name", where), text(variables[i], "value", where));
        p.hint = text(exec, "installHint", where);
        if (text(exec, "provideClusterInfo", where) == "true")
            p.cluster_info = cluster_info(cluster, where);
        return p;
    }

    [[nodiscard]] std::string cluster_info(const YAML::Node& cluster, const std::string& where) const
    {
        json::object info{{"server", text(cluster, "server", where)}};
        if (const auto ca = text(cluster, "certificate-authority-data", where); !ca.empty())
            info["certificate-authority-data"] = ca;
        if (const auto name = text(cluster, "tls-server-name", where); !name.empty())
            info["tls-server-name"] = name;
        if (text(cluster, "insecure-skip-tls-verify", where) == "true")
            info["insecure-skip-tls-verify"] = true;
        return json::serialize(info);
    }

    fs::path file_;
    YAML::Node root_;
};

} // namespace

cluster_settings read_kubeconfig(const std::string& text, const fs::path& file, std::string_view context)
{
    return kubeconfig(text, file).settings(context);
}

cluster_settings load_kubeconfig(const fs::path& file, std::string_view context)
{
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in)
        throw fatal(fmt::format("the kubeconfig {} cannot be read", file.string()), "bad_kubeconfig");
    return read_kubeconfig(text.str(), file, context);
}

} // namespace potoo::kubernetes
