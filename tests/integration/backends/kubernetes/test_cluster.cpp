#include "test_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace potoo::test {
namespace {

/// The one in the kubeconfig of the tests' own cluster.
std::string server_of(const std::string& kubeconfig)
{
    std::ifstream in(kubeconfig);
    std::ostringstream text;
    text << in.rdbuf();
    const std::string all = text.str();
    const auto begin = all.find("https://");
    if (begin == std::string::npos)
        throw std::runtime_error("no server in " + kubeconfig);
    return all.substr(begin, all.find_first_of("\", \n", begin) - begin);
}

http_options any_certificate()
{
    http_options o;
    o.verify_certificate = false;
    return o;
}

} // namespace

test_cluster::test_cluster()
    : server_(server_of(service_setting("POTOO_TEST_KUBECONFIG"))), proxy_(server_), side_(any_certificate()),
      name_space_(fmt::format("t{:08x}", std::random_device{}())),
      folder_(std::filesystem::temp_directory_path() / ("potoo-kubernetes-" + name_space_))
{
    std::filesystem::create_directories(folder_);
    ask("POST", "/api/v1/namespaces",
        json::object{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", json::object{{"name", name_space_}}}});
    use();
}

test_cluster::~test_cluster()
{
    try {
        ask("DELETE", "/api/v1/namespaces/" + name_space_);
    } catch (const std::exception& e) {
        fmt::print(stderr, "the namespace {} is left behind: {}\n", name_space_, e.what());
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void test_cluster::use(std::string_view user)
{
    const auto file = folder_ / "kubeconfig";
    std::ofstream(file) << fmt::format(R"(apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{}"}}}}]
users: [{{name: u, user: {}}}]
contexts: [{{name: x, context: {{cluster: c, user: u, namespace: {}}}}}]
current-context: x
)",
                                       proxy_.url(), user, name_space_);
    ::setenv("KUBECONFIG", file.c_str(), 1);
}

json::value test_cluster::ask(std::string_view method, const std::string& path, const json::value& body)
{
    return side_.json(method, server_ + path, body, {{"Authorization", "Bearer admintok"}});
}

std::string test_cluster::path(std::string_view what) const
{
    return fmt::format("{}/namespaces/{}/{}", what.starts_with("jobs") ? "/apis/batch/v1" : "/api/v1", name_space_,
                       what);
}

void test_cluster::limit(std::string_view what, int most)
{
    ask("POST", path("resourcequotas"),
        json::object{{"apiVersion", "v1"},
                     {"kind", "ResourceQuota"},
                     {"metadata", json::object{{"name", "limit"}}},
                     {"spec", json::object{{"hard", json::object{{json::string(what), std::to_string(most)}}}}}});
}

std::string test_cluster::task_text(std::string_view command, std::string_view more) const
{
    return fmt::format(R"(operator: kubernetes_job
with:
  image: bb:1
  command: {}
  container: {{imagePullPolicy: Never}}
  pod: {{nodeName: n1, hostNetwork: true, terminationGracePeriodSeconds: 1}}
  request_timeout: 2s
  settle: 1500ms
{})",
                       command, more);
}

std::string test_cluster::dag_text(std::string_view command, std::string_view more) const
{
    std::string text = "tasks:\n  job:\n";
    std::istringstream lines(task_text(command, more));
    for (std::string line; std::getline(lines, line);)
        text += "    " + line + "\n";
    return text;
}

std::size_t test_cluster::requests_with(std::string_view part) const
{
    const auto all = proxy_.requests();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const std::string& r) { return r.find(part) != std::string::npos; }));
}

fault_proxy::rule when(std::string_view method, std::string_view part, int times, fault_proxy::fault what)
{
    fault_proxy::rule r;
    r.applies = [method = std::string(method), part = std::string(part)](std::string_view m, std::string_view target) {
        return m == method && target.find(part) != std::string_view::npos;
    };
    r.times = times;
    r.what = what;
    return r;
}

} // namespace potoo::test
