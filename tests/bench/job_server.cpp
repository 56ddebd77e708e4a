// A remote system that costs as little as a server can, so that what is measured is its clients: one thread on epoll,
// statuses from a template. Prints its port on the loopback address, serves until it is ended.
//
// POST /jobs[?lasts_ms=N][&after=ID]  a job that ends by itself after N ms, else never; `after`: how late it comes
//                                     after the end of that job is counted
// GET /jobs/ID                        200 and about 200 bytes of JSON
// POST /jobs/query {"ids": […]}       {"jobs": […]} in the order asked
// DELETE /jobs/ID                     200, the job is CANCELLED
// GET /stats                          what it has counted

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t id_digits = 16;
constexpr std::string_view id_prefix = "job-";
constexpr std::string_view head_end = "\r\n\r\n";

/// The status of a job in a given state, into which the id is written.
class status_template
{
  public:
    explicit status_template(std::string_view state, std::string_view exit_code)
    {
        text_ = R"({"id":"job-0000000000000000","state":")";
        text_ += state;
        text_ += R"(","progress":0.4213,"submitted_at":"2026-05-01T12:00:00Z","started_at":"2026-05-01T12:00:07Z",)";
        text_ += R"("attempt":1,"exit_code":)";
        text_ += exit_code;
        text_ += R"(,"node":"worker-17.cluster.local"})";
    }

    [[nodiscard]] std::size_t size() const { return text_.size(); }

    void append_to(std::string& out, std::uint64_t id) const
    {
        const std::size_t begin = out.size();
        out += text_;
        char* digit = out.data() + begin + std::string_view(R"({"id":"job-)").size() + id_digits;
        for (; id > 0; id /= 10)
            *--digit = static_cast<char>('0' + id % 10);
    }

  private:
    std::string text_;
};

struct job
{
    clock_type::time_point ends = clock_type::time_point::max();
    bool cancelled = false;
};

/// The jobs, and what was asked about them.
class job_table
{
  public:
    std::uint64_t submit(std::uint64_t lasts_ms, std::uint64_t after)
    {
        const auto now = clock_type::now();
        if (after > 0 && after <= jobs_.size())
            delays_.push_back(std::chrono::duration<double>(now - jobs_[after - 1].ends).count());
        ++submissions_;
        jobs_.emplace_back();
        if (lasts_ms != never)
            jobs_.back().ends = now + std::chrono::milliseconds(lasts_ms);
        return jobs_.size();
    }

    void cancel(std::uint64_t id)
    {
        ++cancellations_;
        if (job* j = find(id))
            j->cancelled = true;
    }

    void count_poll() { ++polls_; }

    void count_batch(std::size_t statuses)
    {
        ++batch_calls_;
        batched_ += statuses;
    }

    /// A job that was never submitted runs as well: so a poll needs no preparation.
    [[nodiscard]] const status_template& status(std::uint64_t id)
    {
        const job* j = find(id);
        if (!j)
            return running_;
        if (j->cancelled)
            return cancelled_;
        if (j->ends == clock_type::time_point::max())
            return running_;
        return j->ends <= clock_type::now() ? succeeded_ : running_;
    }

    [[nodiscard]] std::string stats()
    {
        std::sort(delays_.begin(), delays_.end());
        const auto part = [&](double q) {
            return delays_.empty() ? 0.0
                                   : delays_[static_cast<std::size_t>(q * static_cast<double>(delays_.size() - 1))];
        };
        std::array<char, 512> text;
        const int n = std::snprintf(text.data(), text.size(),
                                    R"({"submissions":%llu,"polls":%llu,"batch_calls":%llu,"batched":%llu,)"
                                    R"("cancellations":%llu,"delays":%zu,"delay_p50":%.6f,"delay_p99":%.6f,)"
                                    R"("delay_max":%.6f})",
                                    submissions_, polls_, batch_calls_, batched_, cancellations_, delays_.size(),
                                    part(0.5), part(0.99), part(1));
        return {text.data(), static_cast<std::size_t>(n)};
    }

    static constexpr std::uint64_t never = ~std::uint64_t{0};

  private:
    [[nodiscard]] job* find(std::uint64_t id) { return id > 0 && id <= jobs_.size() ? &jobs_[id - 1] : nullptr; }

    std::vector<job> jobs_;
    std::vector<double> delays_;
    unsigned long long submissions_ = 0;
    unsigned long long polls_ = 0;
    unsigned long long batch_calls_ = 0;
    unsigned long long batched_ = 0;
    unsigned long long cancellations_ = 0;
    status_template running_{"RUNNING", "null"};
    status_template succeeded_{"SUCCEEDED", "0"};
    status_template cancelled_{"CANCELLED", "null"};
};

struct request
{
    std::string_view method;
    std::string_view target;
    std::string_view body;
};

std::uint64_t digits(std::string_view text)
{
    std::uint64_t n = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            break;
        n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return n;
}

/// `name=…` of a query.
std::string_view argument(std::string_view target, std::string_view name)
{
    const auto at = target.find(name);
    return at == std::string_view::npos ? std::string_view() : target.substr(at + name.size());
}

std::uint64_t id_in(std::string_view text)
{
    return text.starts_with(id_prefix) ? digits(text.substr(id_prefix.size())) : 0;
}

/// Answers one request after another.
class service
{
  public:
    void answer(const request& r, std::string& out)
    {
        constexpr std::string_view one_job = "/jobs/job-";
        if (r.method == "GET" && r.target.starts_with(one_job)) {
            jobs_.count_poll();
            answer_status("200 OK", digits(r.target.substr(one_job.size())), out);
        } else if (r.method == "POST" && r.target.starts_with("/jobs/query")) {
            answer_query(r, out);
        } else if (r.method == "POST" && r.target.starts_with("/jobs")) {
            const auto lasts = argument(r.target, "lasts_ms=");
            const auto id =
                jobs_.submit(lasts.empty() ? job_table::never : digits(lasts), id_in(argument(r.target, "after=")));
            answer_status("201 Created", id, out);
        } else if (r.method == "DELETE" && r.target.starts_with(one_job)) {
            const auto id = digits(r.target.substr(one_job.size()));
            jobs_.cancel(id);
            answer_status("200 OK", id, out);
        } else if (r.target == "/stats") {
            const std::string text = jobs_.stats();
            add_head("200 OK", text.size(), out);
            out += text;
        } else {
            add_head("404 Not Found", 0, out);
        }
    }

  private:
    static void add_head(std::string_view status, std::size_t size, std::string& out)
    {
        out += "HTTP/1.1 ";
        out += status;
        out += "\r\nServer: bench\r\nDate: Fri, 01 May 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n"
               "Content-Length: ";
        out += std::to_string(size);
        out += head_end;
    }

    void answer_status(std::string_view status, std::uint64_t id, std::string& out)
    {
        const status_template& t = jobs_.status(id);
        add_head(status, t.size(), out);
        t.append_to(out, id);
    }

    void answer_query(const request& r, std::string& out)
    {
        body_ = R"({"jobs":[)";
        std::size_t found = 0;
        for (auto at = r.body.find(id_prefix); at != std::string_view::npos; at = r.body.find(id_prefix, at + 1)) {
            if (found++ > 0)
                body_ += ',';
            const auto id = digits(r.body.substr(at + id_prefix.size()));
            jobs_.status(id).append_to(body_, id);
        }
        body_ += "]}";
        jobs_.count_batch(found);
        add_head("200 OK", body_.size(), out);
        out += body_;
    }

    job_table jobs_;
    std::string body_;
};

/// @return its size, 0 when it is not complete yet
std::size_t read_request(std::string_view bytes, request& r)
{
    const auto end = bytes.find(head_end);
    if (end == std::string_view::npos)
        return 0;
    const std::string_view head = bytes.substr(0, end + 2);
    const auto space = head.find(' ');
    const auto second = head.find(' ', space + 1);
    r.method = head.substr(0, space);
    r.target = head.substr(space + 1, second - space - 1);
    std::size_t length = 0;
    if (r.method == "POST") {
        constexpr std::string_view name = "content-length:";
        for (auto line = head.find('\n'); line + 1 < head.size(); line = head.find('\n', line + 1)) {
            if (::strncasecmp(head.data() + line + 1, name.data(), name.size()) == 0) {
                const auto value = head.substr(line + 1 + name.size());
                length = digits(value.substr(std::min(value.find_first_not_of(' '), value.size())));
            }
        }
    }
    const std::size_t size = end + head_end.size() + length;
    if (bytes.size() < size)
        return 0;
    r.body = bytes.substr(size - length, length);
    return size;
}

/// What a connection has received of a request, and what it could not send yet.
struct connection
{
    std::string in;
    std::string out;
};

class server
{
  public:
    server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), epoll_(::epoll_create1(0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 4096) != 0) {
            std::perror("job_server");
            std::exit(1);
        }
        watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    }

    [[nodiscard]] std::uint16_t port() const
    {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }

    [[noreturn]] void run()
    {
        std::array<epoll_event, 256> events;
        for (;;) {
            const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_)
                    accept_all();
                else if (!serve(fd))
                    close_connection(fd);
            }
        }
    }

  private:
    void watch(int fd, std::uint32_t events, int operation) const
    {
        epoll_event e{};
        e.events = events;
        e.data.fd = fd;
        ::epoll_ctl(epoll_, operation, fd, &e);
    }

    void accept_all()
    {
        for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connections_.size() <= static_cast<std::size_t>(fd))
                connections_.resize(static_cast<std::size_t>(fd) + 1);
            watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        }
    }

    void close_connection(int fd)
    {
        connections_[static_cast<std::size_t>(fd)] = {};
        ::close(fd);
    }

    /// @return false when the connection is over
    bool serve(int fd)
    {
        connection& c = connections_[static_cast<std::size_t>(fd)];
        closes_ = false;
        const ssize_t n = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        const bool was_blocked = !c.out.empty();
        if (n > 0)
            answer_all(c, {buffer_.data(), static_cast<std::size_t>(n)});
        if (!send_out(fd, c))
            return false;
        if (was_blocked != !c.out.empty())
            watch(fd, c.out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        return !closes_;
    }

    void answer_all(connection& c, std::string_view received)
    {
        if (!c.in.empty()) {
            c.in += received;
            received = c.in;
        }
        request r;
        for (std::size_t size = 0; (size = read_request(received, r)) > 0; received.remove_prefix(size)) {
            service_.answer(r, c.out);
            closes_ = r.target == "/stats";
        }
        c.in = std::string(received);
    }

    static bool send_out(int fd, connection& c)
    {
        while (!c.out.empty()) {
            const ssize_t n = ::send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
            if (n < 0)
                return errno == EAGAIN;
            c.out.erase(0, static_cast<std::size_t>(n));
        }
        return true;
    }

    int listener_;
    int epoll_;
    bool closes_ = false; ///< the connection that is being served
    service service_;
    std::vector<connection> connections_;
    std::array<char, 65536> buffer_{};
};

} // namespace

int main()
{
    static server s;
    std::printf("%u\n", static_cast<unsigned>(s.port()));
    std::fflush(stdout);
    s.run();
}
