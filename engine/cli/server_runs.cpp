#include "engine/cli/server_runs.hpp"

#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/cli/stop_wait.hpp"
#include "engine/cli/usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace potoo::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t candidates_shown = 10;
constexpr std::string_view page_size = "1000";

/// Ctrl-C and its like end what a client follows.
class interruption
{
  public:
    explicit interruption(server_client& server)
        : signals_(server.context(), nullptr, [this, &server](int signal) {
              signal_ = signal;
              server.interrupt();
          })
    {}

    [[nodiscard]] int signal() const noexcept { return signal_; }

  private:
    int signal_ = 0;
    stop_signals signals_;
};

json::object object_at(server_client& server, const api_path& path)
{
    json::value v = server.get(path);
    if (!v.is_object())
        throw no_potoo_server({"GET", server.access().url, path.text()}, 200, "an object was expected");
    return std::move(v.get_object());
}

/// A list that comes whole, or in pages of the size that the server likes.
json::array all_at(server_client& server, const api_path& path)
{
    json::array out;
    server.each(path, [&](json::object o) {
        out.push_back(std::move(o));
        return true;
    });
    return out;
}

/// Of an item that was tried once, its row tells all; of others each attempt is asked for.
void add_attempts(server_client& server, const std::string& run, const std::string& task, const json::object& item,
                  json::array& out)
{
    const auto index = number_in(item, "item");
    const auto tried = number_in(item, "attempts");
    json::array attempts;
    if (tried == 1) {
        json::object only = item;
        only["attempt"] = 1;
        attempts.push_back(std::move(only));
    } else if (tried > 1) {
        attempts =
            all_at(server, api_path({"runs", run, "tasks", task, "items", fmt::format("{}", index), "attempts"}));
    }
    for (const json::value& v : attempts) {
        const json::object& a = v.as_object();
        json::object o{{"item", index}, {"attempt", number_in(a, "attempt")}, {"state", text_in(a, "state")}};
        if (const std::string key = text_in(item, "key"); !key.empty())
            o["key"] = key;
        const auto started = time_in(a, "started");
        const auto ended = time_in(a, "ended");
        if (started)
            o["started"] = format_time(*started);
        if (started && ended)
            o["elapsed_ms"] = (*ended - *started).count();
        for (const char* result : {"output", "error"})
            if (const json::value* v = a.if_contains(result))
                o[result] = *v;
        out.push_back(std::move(o));
    }
}

bool has_ended(server_client& server, const std::string& run, std::string& state)
{
    const auto now = server.get_patiently(api_path({"runs", run}), report_text);
    if (!now || !now->is_object())
        return false;
    state = text_in(now->get_object(), "state");
    return now->get_object().contains("ended");
}

/// What `application/x-ndjson` brings, line by line.
class json_lines
{
  public:
    explicit json_lines(std::function<bool(const json::object&)> visit) : visit_(std::move(visit)) {}

    /// @return false when that is enough
    bool add(std::string_view piece)
    {
        for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
            open_ += piece.substr(0, end);
            piece.remove_prefix(end + 1);
            const json::value v = json::parse(std::exchange(open_, {}));
            if (v.is_object() && !visit_(v.get_object()))
                return false;
        }
        open_ += piece;
        return true;
    }

  private:
    std::function<bool(const json::object&)> visit_;
    std::string open_;
};

class server_runs final : public run_source
{
  public:
    server_runs(std::unique_ptr<server_client> server, std::string since)
        : server_(std::move(server)), since_(std::move(since))
    {}

    run_list runs(const run_wish& wish) override;
    json::object run(const std::string& named) override;

    /// A server carries what it has.
    std::string obstacle(const json::object&) override { return {}; }

    json::object task(const std::string& run, const std::string& name) override;
    void logs(const log_wish& wish, const log_visitor& visit) override;
    followed_end follow_logs(const log_wish& wish, const log_visitor& visit,
                             const std::function<void()>& pause) override;

    followed_end follow(const std::string& run, const event_visitor& visit, const std::function<void()>& begun) override
    {
        return follow_server_run(*server_, run, visit, {since_, begun, {}, !since_.empty()});
    }

    std::vector<std::string> tasks(const std::string& run) override;

    std::string command(std::string_view verb, const std::string& run) const override
    {
        return server_command(*server_, verb, run);
    }

  private:
    [[nodiscard]] api_path log_path(const log_wish& wish, const std::string& item, std::uint64_t after, bool follow);
    [[nodiscard]] std::string item_of(const log_wish& wish);
    stream_end read_logs(const api_path& path, const log_visitor& visit, std::uint64_t& after,
                         const std::function<void()>& pause);

    std::unique_ptr<server_client> server_;
    std::string since_;
};

run_list server_runs::runs(const run_wish& wish)
{
    api_path path({"runs"});
    path.with("dag", wish.dag).with("state", wish.state).with("by", wish.by);
    path.with("since", wish.since).with("until", wish.until).with("unfinished", wish.unfinished ? "true" : "");
    const std::size_t page = wish.limit == 0 ? 1'000 : std::min<std::size_t>(wish.limit + 1, 1'000);
    path.with("limit", fmt::format("{}", page));
    run_list out;
    server_->each(path, [&](json::object r) {
        out.more = wish.limit > 0 && out.runs.size() == wish.limit;
        if (!out.more)
            out.runs.push_back(std::move(r));
        return !out.more;
    });
    return out;
}

json::object server_runs::run(const std::string& named)
{
    const std::string id = text_in(find_server_run(*server_, named), "run");
    json::object document = object_at(*server_, api_path({"runs", id}));
    document["tasks"] = server_list(*server_, api_path({"runs", id, "tasks"}));
    if (const json::value* loose = document.if_contains("unconfirmed"); !loose || !loose->is_array())
        document["unconfirmed"] = json::array();
    return document;
}

json::object server_runs::task(const std::string& run, const std::string& name)
{
    json::object document = object_at(*server_, api_path({"runs", run, "tasks", name}));
    json::array items = server_list(*server_, api_path({"runs", run, "tasks", name, "items"}));
    // They come with those that failed first.
    std::sort(items.begin(), items.end(), [](const json::value& a, const json::value& b) {
        return number_in(a.as_object(), "item") < number_in(b.as_object(), "item");
    });
    json::array attempts;
    for (const json::value& item : items)
        add_attempts(*server_, run, name, item.as_object(), attempts);
    document["attempt_list"] = std::move(attempts);
    return document;
}

std::vector<std::string> server_runs::tasks(const std::string& run)
{
    std::vector<std::string> out;
    for (const json::value& t : server_list(*server_, api_path({"runs", run, "tasks"})))
        out.push_back(text_in(t.as_object(), "task"));
    return out;
}

/// A position as it is; a key is looked for.
std::string server_runs::item_of(const log_wish& wish)
{
    std::uint32_t position = 0;
    const char* const end = wish.item.data() + wish.item.size();
    const auto read = std::from_chars(wish.item.data(), end, position);
    const bool is_number = read.ec == std::errc() && read.ptr == end;
    if (wish.item.empty())
        return {};
    std::string found;
    api_path items({"runs", wish.run, "tasks", wish.task, "items"});
    items.with("limit", page_size);
    server_->each(items, [&](const json::object& o) {
        if (text_in(o, "key") == wish.item)
            found = fmt::format("{}", number_in(o, "item"));
        return found.empty();
    });
    if (found.empty() && !is_number)
        throw usage_error(
            fmt::format("no attempt of an item with the key {} was recorded; give its position from 0, or its "
                        "key as `potoo status RUN TASK` shows it",
                        wish.item));
    if (!found.empty())
        return found;
    check_item(object_at(*server_, api_path({"runs", wish.run, "tasks", wish.task})), item_index(position),
               command("status", wish.run + ' ' + shell_word(wish.task)));
    return wish.item;
}

api_path server_runs::log_path(const log_wish& wish, const std::string& item, std::uint64_t after, bool follow)
{
    api_path path({"runs", wish.run, "logs"});
    path.with("task", wish.task).with("item", item);
    path.with("attempt", wish.attempt > 0 ? fmt::format("{}", wish.attempt) : "");
    path.with("after", after > 0 ? fmt::format("{}", after) : "").with("follow", follow ? "true" : "");
    return path;
}

stream_end server_runs::read_logs(const api_path& path, const log_visitor& visit, std::uint64_t& after,
                                  const std::function<void()>& pause)
{
    json_lines lines([&](const json::object& o) {
        after = number_in(o, "position");
        const std::string text = text_in(o, "text");
        return visit({text_in(o, "task"), item_index(static_cast<std::uint32_t>(number_in(o, "item"))),
                      attempt_number(static_cast<std::uint32_t>(number_in(o, "attempt"))), text});
    });
    return server_->read(path, "application/x-ndjson", [&](std::string_view piece) {
        const bool more = lines.add(piece);
        pause();
        return more;
    });
}

void server_runs::logs(const log_wish& wish, const log_visitor& visit)
{
    std::uint64_t after = 0;
    read_logs(log_path(wish, item_of(wish), 0, false), visit, after, [] {});
}

followed_end server_runs::follow_logs(const log_wish& wish, const log_visitor& visit,
                                      const std::function<void()>& pause)
{
    constexpr int tries = 5;
    const interruption signals(*server_);
    const std::string item = item_of(wish);
    std::uint64_t after = 0;
    std::string state;
    for (int failed = 0;;) {
        // Asked before reading: a stream also ends when its server does.
        const bool over = has_ended(*server_, wish.run, state);
        const std::uint64_t before = after;
        try {
            const stream_end end = read_logs(log_path(wish, item, after, true), visit, after, pause);
            if (over || end != stream_end::ended)
                return {over, state, signals.signal()};
        } catch (const server_error& e) {
            failed = after > before ? 0 : failed + 1;
            if (e.status() != 0 || failed == tries)
                throw;
        }
    }
}

} // namespace

json::array server_list(server_client& server, api_path path)
{
    return all_at(server, path.with("limit", page_size));
}

std::string server_command(const server_client& server, std::string_view verb, const std::string& run)
{
    return fmt::format("potoo {}{}{}{}", verb, run.empty() ? "" : " ", run, server.access().options);
}

json::object find_server_run(server_client& server, const std::string& named, bool unfinished)
{
    const std::string id = named == "last" ? std::string() : named;
    api_path path({"runs"});
    path.with("id", id).with("unfinished", unfinished && id.empty() ? "true" : "");
    path.with("limit", id.empty() ? "1" : fmt::format("{}", candidates_shown + 1));
    std::vector<json::object> found;
    server.each(path, [&](json::object r) {
        found.push_back(std::move(r));
        return !id.empty() && found.size() <= candidates_shown;
    });
    const std::string& url = server.access().url;
    if (found.empty() && id.empty())
        throw usage_error(unfinished ? fmt::format("no run at {} is unfinished", url)
                                     : fmt::format("there is no run at {} yet", url));
    if (found.empty())
        throw usage_error(fmt::format("there is no run {} at {}; `{}` lists them, and `last` is the latest", id, url,
                                      server_command(server, "ls", {})));
    const auto exact = std::find_if(found.begin(), found.end(), [&](const auto& r) { return text_in(r, "run") == id; });
    if (exact != found.end())
        return *exact;
    if (found.size() == 1)
        return found.front();
    std::string text = fmt::format("potoo: error: several runs begin with {}; write more of the id:\n", id);
    for (std::size_t i = 0; i < std::min(found.size(), candidates_shown); ++i)
        text += fmt::format("  {}  {}  {}  {}\n", text_in(found[i], "run"), instant_in(found[i], "created"),
                            text_in(found[i], "dag"), text_in(found[i], "state"));
    if (found.size() > candidates_shown)
        text += "  and more\n";
    throw usage_error(text);
}

std::string event_cursor(server_client& server)
{
    std::string cursor;
    const auto from_now = [](const std::string&) { return api_path({"events"}); };
    const auto take = [&](const stream_message& m) {
        cursor = m.id;
        return false;
    };
    static_cast<void>(server.follow(from_now, take, report_text));
    return cursor;
}

namespace {

/// What one message says.
struct told_of_run
{
    bool ended = false;      ///< the run
    bool come_again = false; ///< more came than was taken: it is to be asked for anew
};

told_of_run visit_events(const stream_message& m, const event_visitor& visit)
{
    told_of_run told;
    boost::system::error_code ec;
    const json::value v = json::parse(m.data, ec);
    const json::object* document = ec ? nullptr : v.if_object();
    told.come_again = document && text_in(*document, "end") == "lagging";
    const json::value* events = document ? document->if_contains("events") : nullptr;
    if (!events || !events->is_array())
        return told;
    for (const json::value& e : events->get_array()) {
        visit(e.as_object());
        told.ended = told.ended || text_in(e.as_object(), "type") == "run_ended";
    }
    return told;
}

} // namespace

followed_end follow_server_run(server_client& server, const std::string& run, const event_visitor& visit,
                               const following& how)
{
    const interruption signals(server);
    std::string cursor = how.since.empty() ? event_cursor(server) : how.since;
    const auto enough = [&] { return how.enough && how.enough(); };
    if (how.begun)
        how.begun();
    std::string state;
    if (enough())
        return {};
    // Asked once the place is known from where nothing is missed; and again, for what was retried has ended before.
    for (bool told_nothing = how.whole; told_nothing || !has_ended(server, run, state); told_nothing = false) {
        const auto make = [&](const std::string& after) {
            api_path path({"events"});
            return path.with("run", run).with("since", after.empty() ? cursor : after);
        };
        told_of_run told;
        const auto take = [&](const stream_message& m) {
            cursor = m.id.empty() ? cursor : m.id;
            told = visit_events(m, visit);
            return !told.ended && !reader_has_gone() && !enough();
        };
        const auto say = [&](const std::string& text) {
            if (!told.come_again)
                report_text(text);
        };
        const stream_end end = server.follow(make, take, say);
        if (!told.ended || end == stream_end::interrupted)
            return {false, {}, signals.signal()};
    }
    return {true, state, 0};
}

std::unique_ptr<run_source> open_server_runs(std::unique_ptr<server_client> server, std::string since)
{
    return std::make_unique<server_runs>(std::move(server), std::move(since));
}

} // namespace potoo::cli
