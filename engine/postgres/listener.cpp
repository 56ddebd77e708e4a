#include <potoo/concurrency.hpp>
#include <potoo/execution.hpp>
#include <potoo/postgres.hpp>

#include <algorithm>
#include <deque>
#include <set>

namespace potoo::postgres {
namespace {

constexpr duration first_delay{500};
constexpr duration longest_delay{30'000};
/// More than that nobody has waited for: what is not kept counts as not heard.
constexpr std::size_t most_unread = 1'000;

task<> until_changed(counter& changes)
{
    co_await changes.reached(changes.value() + 1);
}

std::string quoted(std::string_view identifier)
{
    std::string out = "\"";
    for (const char c : identifier) {
        out += c;
        if (c == '"')
            out += c;
    }
    return out + '"';
}

} // namespace

struct listener::subscription::inbox
{
    std::string channel;
    std::deque<event> unread;
    std::optional<error> failed;
    bool listened = false; ///< it has been heard at some time
    counter arrived;

    void put(event e)
    {
        if (e.heard && unread.size() >= most_unread) {
            unread.clear();
            e = event{.listening = true, .heard = {}, .disturbed = "more was sent than could be looked at"};
        }
        listened |= e.listening;
        unread.push_back(std::move(e));
        arrived.increment();
    }

    /// @param hopeless nobody is to wait for it any more
    void disturb(const error& why, bool hopeless)
    {
        if (hopeless)
            failed = why;
        put({.listening = false, .heard = {}, .disturbed = why.what()});
    }
};

class listener::service final : private execution
{
  public:
    using inbox = subscription::inbox;
    using event = subscription::event;

    service(potoo::loop& l, settings s) : execution(l, l.intern("postgres listener")), settings_(std::move(s)) {}

    void add(inbox& i)
    {
        inboxes_.push_back(&i);
        if (listened_.contains(i.channel))
            i.put({.listening = true, .heard = {}, .disturbed = {}});
        changes_.increment();
        if (running_)
            return;
        running_ = true;
        task_ = serve();
        task_access<void>::start(task_, *this);
    }

    void remove(inbox& i) noexcept
    {
        std::erase(inboxes_, &i);
        changes_.increment();
    }

    std::size_t connections_made = 0;

  private:
    void on_end() noexcept override { running_ = false; }

    task<> serve()
    {
        for (duration delay = first_delay; !inboxes_.empty();) {
            const std::size_t before = times_all_heard_;
            std::optional<error> trouble;
            try {
                co_await listen();
            } catch (const error& e) {
                trouble = e;
            }
            listened_.clear();
            if (!trouble)
                continue;
            if (times_all_heard_ > before)
                delay = first_delay;
            tell(*trouble);
            co_await sleep_for(delay);
            delay = std::min(delay * 2, longest_delay);
        }
    }

    /// Until nobody waits any more.
    task<> listen()
    {
        auto session = co_await connection::open(loop(), settings_, "potoo listener");
        ++connections_made;
        for (;;) {
            const std::uint64_t seen = changes_.value();
            co_await follow_wishes(*session);
            for (const notification& n : session->take_notifications())
                hand_out(n);
            if (inboxes_.empty())
                co_return;
            if (changes_.value() == seen)
                co_await any(session->wait_readable(), until_changed(changes_));
        }
    }

    /// Has the server send what is waited for, and nothing else.
    task<> follow_wishes(connection& session)
    {
        std::set<std::string> wanted;
        for (const inbox* i : inboxes_) {
            if (!i->failed)
                wanted.insert(i->channel);
        }
        for (const std::string& channel : wanted) {
            if (!listened_.contains(channel))
                co_await begin_channel(session, channel);
        }
        times_all_heard_ += listened_.empty() ? 0 : 1;
        const std::set<std::string> before = listened_;
        for (const std::string& channel : before) {
            if (wanted.contains(channel))
                continue;
            listened_.erase(channel);
            co_await session.run("UNLISTEN " + quoted(channel));
        }
    }

    task<> begin_channel(connection& session, std::string channel)
    {
        std::optional<error> refused;
        try {
            co_await session.run("LISTEN " + quoted(channel));
        } catch (const error& e) {
            refused = e;
        }
        if (refused)
            give_up(session, channel, *refused);
        else
            listened_.insert(channel);
        for (inbox* i : inboxes_) {
            if (!refused && i->channel == channel)
                i->put({.listening = true, .heard = {}, .disturbed = {}});
        }
    }

    /// Of a channel that never could be listened to, and never will be. @throws error when there is hope for it, or
    /// for nobody: the session is to be made again
    void give_up(const connection& session, const std::string& channel, const error& refused)
    {
        const auto concerned = [&](const inbox* i) { return i->channel == channel && !i->failed; };
        const bool known =
            std::any_of(inboxes_.begin(), inboxes_.end(), [&](const inbox* i) { return concerned(i) && i->listened; });
        if (refused.retryable() || known || !session.usable())
            throw refused;
        for (inbox* i : inboxes_) {
            if (concerned(i))
                i->disturb(refused, true);
        }
    }

    void hand_out(const notification& n)
    {
        for (inbox* i : inboxes_) {
            if (i->channel == n.channel)
                i->put({.listening = false, .heard = n, .disturbed = {}});
        }
    }

    void tell(const error& trouble)
    {
        const bool hopeless = !trouble.retryable() && times_all_heard_ == 0;
        for (inbox* i : inboxes_)
            i->disturb(trouble, hopeless);
    }

    settings settings_;
    std::vector<inbox*> inboxes_;
    std::set<std::string> listened_;
    std::size_t times_all_heard_ = 0; ///< that all wishes were fulfilled
    counter changes_;
    bool running_ = false;
    task<> task_;
};

listener::listener(potoo::loop& l, settings s) : service_(std::make_unique<service>(l, std::move(s))) {}

listener::~listener() = default;

std::size_t listener::connections_made() const noexcept
{
    return service_->connections_made;
}

listener::subscription::subscription(listener& l, std::string channel)
    : service_(*l.service_), inbox_(std::make_unique<inbox>())
{
    inbox_->channel = std::move(channel);
    service_.add(*inbox_);
}

listener::subscription::~subscription()
{
    service_.remove(*inbox_);
}

task<listener::subscription::event> listener::subscription::next()
{
    if (inbox_->unread.empty())
        co_await inbox_->arrived.reached(inbox_->arrived.value() + 1);
    if (inbox_->failed)
        throw error(*inbox_->failed);
    event e = std::move(inbox_->unread.front());
    inbox_->unread.pop_front();
    co_return e;
}

} // namespace potoo::postgres
