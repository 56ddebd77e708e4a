#pragma once
// A machine as the search for credentials sees it: environment, a home directory, programs, and an HTTP world that
// answers what the test says.

#include "engine/loop/virtual_loop.hpp"
#include "engine/process/local_process_runner.hpp"
#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"

#include <potoo/aws.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace potoo::test {

/// What is due now is done, whatever threads it waits for; the clock moves when the test says, but for a tick.
struct still_clock
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};

    template <class T>
    T run(task<T> t)
    {
        started_task<T> e(loop, std::move(t));
        // A timer for now may be due with the next tick.
        constexpr duration tick{2};
        while (!e.ended()) {
            loop.run_present();
            if (loop.next_due() <= loop.now() + tick)
                loop.advance_to(loop.next_due());
        }
        return e.take();
    }

    void pass(duration d) { loop.advance_to(loop.now() + d); }
};

template <class Fixture>
struct machine_on : Fixture
{
    machine_on()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "potoo-aws-XXXXXX").string();
        home = ::mkdtemp(pattern.data());
        set["HOME"] = home;
        set["AWS_EC2_METADATA_DISABLED"] = "true";
        client.reply = [this](const http_request& r) { return reply(r); };
        client.latency = duration{1};
    }

    ~machine_on() { std::filesystem::remove_all(home); }

    machine_on(const machine_on&) = delete;
    machine_on& operator=(const machine_on&) = delete;

    std::string home;
    std::map<std::string, std::string> set;       ///< environment
    std::map<std::string, http_response> answers; ///< by method and URL without query
    scripted_http client;
    process::local_process_runner processes{this->loop};

    void write(const std::string& path, const std::string& text) const
    {
        const auto whole = std::filesystem::path(home) / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }

    [[nodiscard]] aws::variables variables() const
    {
        return [this](const std::string& name) -> std::optional<std::string> {
            const auto found = set.find(name);
            if (found == set.end() || found->second.empty())
                return std::nullopt;
            return found->second;
        };
    }

    [[nodiscard]] aws::outside outside() { return {client, processes, this->loop}; }

    scripted_http::answer reply(const http_request& r)
    {
        const auto found = answers.find(r.method + " " + r.url.substr(0, r.url.find('?')));
        if (found == answers.end())
            return make_error_code(http_error::connect_failed);
        return found->second;
    }

    static http_response answer(unsigned status, std::string body)
    {
        http_response r;
        r.status = status;
        r.body = std::move(body);
        return r;
    }

    /// What STS says when a role was assumed.
    static std::string role_answer(const std::string& id, const std::string& expires = "2099-01-01T00:00:00Z")
    {
        return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" + id +
               "</AccessKeyId><SecretAccessKey>role 5ecret</SecretAccessKey><SessionToken>role token</SessionToken>"
               "<Expiration>" +
               expires + "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    }
};

using machine = machine_on<operator_fixture>;

} // namespace potoo::test
