#pragma once
/// @file
/// The service behind fuzz_http_job: answers what the script says, then as a good service would, or not at all. It
/// remembers enough to say whether the attempt behaved.

#include "claim.hpp"
#include "job_script.hpp"

#include "engine/net/request_head.hpp"
#include "engine/net/url.hpp"

#include <potoo/http.hpp>
#include <potoo/loop.hpp>
#include <potoo/wait.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

namespace potoo::fuzz {

class scripted_service final : public http_client
{
  public:
    scripted_service(potoo::loop& l, job_script& script) : loop_(l), script_(script), recovers_(script.says("recovers"))
    {}

    std::function<void(const http_request&)> before; ///< each request, before it is answered
    unsigned requests = 0;
    unsigned submissions = 0;
    unsigned cancellations = 0;
    unsigned clear_no = 0;       ///< times that `find` was told of no job, since the last submission
    bool maybe_accepted = false; ///< some submission may have made a job

    [[nodiscard]] task<answer> send(http_request request) override
    {
        ++requests;
        if (before)
            before(request);
        if (!can_be_sent(request))
            co_return http_error::bad_url;
        if (request.method == "POST" && kind(request) == "submit")
            ++submissions;
        cancellations += request.method == "DELETE" ? 1 : 0;
        co_await sleep_for(duration(10));
        if (script_.answers().empty() && !recovers_) {
            maybe_accepted = maybe_accepted || kind(request) == "submit";
            co_await sleep_until(request.deadline);
            co_return http_error::timed_out;
        }
        answer a = script_.answers().empty() ? good_answer(request) : scripted_answer();
        note(request, a);
        co_return a;
    }

    [[nodiscard]] std::size_t connections_opened() const noexcept override { return 0; }

  private:
    static std::string_view kind(const http_request& r)
    {
        const std::string_view path = std::string_view(r.url).substr(std::min<std::size_t>(r.url.size(), 8));
        return path == "/jobs"                   ? "submit"
               : path.starts_with("/jobs?token") ? "find"
               : path == "/jobs/query"           ? "query"
               : path.ends_with("/log")          ? "log"
                                                 : "job";
    }

    /// What the real client refuses is refused; what it sends is one request.
    bool can_be_sent(const http_request& r) const
    {
        const auto to = net::parse_url(r.url);
        if (!to)
            return false;
        std::string head;
        if (!net::write_head(r, *to, {}, head))
            return false;
        claim(head.find("\r\n\r\n") == head.size() - 4, "a request has one head", head);
        claim(r.deadline < steady_time::max() && r.deadline > loop_.now(), "a request has a deadline to come", r.url);
        return true;
    }

    answer scripted_answer()
    {
        answer a = std::move(script_.answers().front());
        script_.answers().pop_front();
        return a;
    }

    void note(const http_request& r, const answer& a)
    {
        if (kind(r) == "submit") {
            // What was submitted before and not found twice is settled: only this submission counts from here.
            maybe_accepted = (maybe_accepted && clear_no < 2) || !surely_refused(a);
            clear_no = 0;
        }
        if (kind(r) == "find" && a && (a->status == 404 || (a->status >= 200 && a->status <= 299)))
            ++clear_no;
    }

    static bool surely_refused(const answer& a)
    {
        return a ? a->status >= 300 && a->status != 502 && a->status != 504 : surely_not_sent(a.error());
    }

    answer good_answer(const http_request& r)
    {
        http_response good;
        good.status = 200;
        good.headers.push_back({"Content-Type", "application/json"});
        const bool ended = cancellations > 0 || ++looks_ > 3;
        const std::string job = std::string(R"({"id": "job-1", "result": 7, "state": ")") +
                                (cancellations > 0 ? "CANCELLED"
                                 : ended           ? "SUCCEEDED"
                                                   : "RUNNING") +
                                "\"}";
        if (kind(r) == "find")
            good.body = maybe_accepted ? R"({"jobs": [{"id": "job-1"}]})" : R"({"jobs": []})";
        else if (kind(r) == "query")
            good.body = "{\"jobs\": [" + job + "]}";
        else
            good.body = job;
        return good;
    }

    potoo::loop& loop_;
    job_script& script_;
    bool recovers_;
    unsigned looks_ = 0;
};

} // namespace potoo::fuzz
