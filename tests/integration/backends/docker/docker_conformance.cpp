#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/backends/service.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::conformance {
namespace {

using phase = remote_job::phase;
using test::fault_proxy;

constexpr const char* address = "POTOO_TEST_DOCKER";

struct needs_docker : test::needs_service
{
    needs_docker() : needs_service(address, "Docker engine") {}
};

BOOST_TEST_GLOBAL_FIXTURE(needs_docker);

std::string_view command_of(job_kind kind)
{
    switch (kind) {
    case job_kind::succeeds:
        return R"(['echo', '{"answer": 42}'])";
    case job_kind::fails:
        return "'exit 7'";
    case job_kind::speaks:
        return "'echo hello from the job >&2'";
    case job_kind::lasts:
        return R"('sleep 2; echo "{\"answer\": 42}"')";
    case job_kind::endures:
        return "['sleep', '3600']";
    }
    throw std::invalid_argument("no such job");
}

fault_proxy::rule refusal(std::string status_and_headers, std::string_view method, std::string_view part)
{
    fault_proxy::rule r;
    r.applies = [method = std::string(method), part = std::string(part)](std::string_view m, std::string_view target) {
        return m == method && target.find(part) != std::string_view::npos;
    };
    r.answer = std::move(status_and_headers);
    return r;
}

/// The engine, through a proxy that does what it cannot be made to do. What became of its containers it is asked by
/// its events, which it keeps when they are gone.
class docker final : public remote_system
{
  public:
    explicit docker(bool removes)
        : removes_(removes), engine_(test::service_setting(address)), proxy_(engine_),
          trial_(fmt::format("t{:x}", std::random_device{}())), since_(std::time(nullptr) - 1)
    {
        ::setenv("DOCKER_HOST", proxy_.url().c_str(), 1);
    }

    ~docker() override
    {
        const std::string filter = R"(%7B%22label%22%3A%5B%22trial%3D)" + trial_ + R"(%22%5D%7D)";
        const json::value left = side_.json("GET", engine_ + ":/v1.41/containers/json?all=1&filters=" + filter);
        for (const json::value& c : left.as_array())
            remove(std::string(c.at("Id").as_string()));
    }

    std::string task_text(job_kind kind) const override
    {
        return fmt::format(R"(operator: docker
with:
  image: bb:1
  command: {}
  network: none
  labels: {{trial: {}}}
  remove: {}
  stop_grace: 1s
  request_timeout: 2s
)",
                           command_of(kind), trial_, removes_);
    }

    launch_guarantee guarantee() const noexcept override { return launch_guarantee::finds; }

    std::vector<remote_job> jobs() override
    {
        const std::string filter =
            R"(%7B%22type%22%3A%5B%22container%22%5D%2C%22label%22%3A%5B%22trial%3D)" + trial_ + R"(%22%5D%7D)";
        http_request r;
        // In seconds with a fraction: what has happened until now.
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
        r.url = fmt::format("{}:/v1.41/events?since={}&until={}.{:09}&filters={}", engine_, since_, seconds.count(),
                            std::chrono::nanoseconds(now - seconds).count(), filter);
        std::map<std::string, remote_job> known;
        std::map<std::string, bool> killed;
        const std::string lines = side_.send(std::move(r)).body;
        for (std::size_t at = 0; at < lines.size();) {
            const auto end = std::min(lines.find('\n', at), lines.size());
            if (end > at)
                take_event(json::parse(lines.substr(at, end - at)).as_object(), known, killed);
            at = end + 1;
        }
        std::vector<remote_job> all;
        for (const auto& [id, job] : known)
            all.push_back(job);
        return all;
    }

    bool misbehave(misbehaviour m) override
    {
        switch (m) {
        case misbehaviour::throttles:
            add(refusal("429 Too Many Requests\r\nRetry-After: 1\r\n", "POST", "/containers/create"), 2);
            add(refusal("429 Too Many Requests\r\nRetry-After: 1\r\n", "GET", "/json"), 2);
            return true;
        case misbehaviour::fails_for_a_while:
            add(refusal("502 Bad Gateway\r\n", "POST", "/containers/create"), 2);
            add(refusal("503 Service Unavailable\r\n", "POST", "/start"), 1);
            add(refusal("500 Internal Server Error\r\n", "GET", "/json"), 3);
            return true;
        case misbehaviour::loses_the_answer:
            add(with_fault(fault_proxy::fault::loses), 1);
            return true;
        case misbehaviour::accepts_late:
            add(with_fault(fault_proxy::fault::delays), 1);
            return true;
        case misbehaviour::refuses_to_cancel:
            add(refusal("500 Internal Server Error\r\n", "POST", "/stop"), 3);
            return true;
        }
        throw std::invalid_argument("no such misbehaviour");
    }

    bool forget(const remote_job& j) override
    {
        remove(j.id);
        return true;
    }

  private:
    static fault_proxy::rule with_fault(fault_proxy::fault f)
    {
        auto r = refusal({}, "POST", "/containers/create");
        r.what = f;
        r.delay = std::chrono::milliseconds(2500);
        return r;
    }

    void add(fault_proxy::rule r, int times)
    {
        r.times = times;
        proxy_.add(std::move(r));
    }

    void remove(const std::string& id)
    {
        http_request r;
        r.method = "DELETE";
        r.url = fmt::format("{}:/v1.41/containers/{}?force=1", engine_, id);
        (void)side_.send(std::move(r));
    }

    static void take_event(const json::object& e, std::map<std::string, remote_job>& known,
                           std::map<std::string, bool>& killed)
    {
        const std::string_view what = e.at("Action").as_string();
        const json::object& actor = e.at("Actor").as_object();
        const std::string id(actor.at("ID").as_string());
        const json::object& attributes = actor.at("Attributes").as_object();
        remote_job& j = known[id];
        j.id = id;
        j.token = std::string(attributes.at("name").as_string());
        if (what == "start")
            j.now = phase::running;
        else if (what == "kill")
            killed[id] = true;
        else if (what == "die")
            j.now = attributes.at("exitCode") == "0" ? phase::succeeded : killed[id] ? phase::cancelled : phase::failed;
        else if (what == "destroy" && !j.over())
            j.now = phase::cancelled;
    }

    bool removes_;
    std::string engine_;
    fault_proxy proxy_;
    std::string trial_;
    std::time_t since_;
    test::side_client side_;
};

auto maker(bool removes)
{
    return [removes](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<docker>(removes); };
}

const suite removing("docker", maker(true));
const suite keeping("docker_that_keeps_containers", maker(false));

} // namespace
} // namespace potoo::conformance
