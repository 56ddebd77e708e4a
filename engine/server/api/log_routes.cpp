#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"

#include <potoo/utf8.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <tuple>

namespace potoo::server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = std::size_t{256} * 1024;
constexpr auto follow_interval = 500ms;

struct placed_chunk
{
    std::uint64_t position = 0;
    journal::log_chunk chunk;
};

/// Chunks of one look, and whether there are more at this moment.
struct log_piece
{
    std::vector<placed_chunk> chunks;
    bool more = false;
};

using attempt_key = std::tuple<task_index, item_index, attempt_number>;

enum class log_format
{
    text,
    lines, ///< one JSON object a line
};

/// What a stream of logs is about.
struct log_request
{
    journal::log_filter filter;
    run_id run;
    std::string token;              ///< id of that of the listener; empty = none was needed so far
    std::vector<std::string> tasks; ///< names, by index
    log_format format = log_format::text;
    bool follow = false;
    bool headings = true; ///< a line says where the attempts change
};

std::function<log_piece(journal::reader&)> look_for(const journal::log_filter& filter, std::size_t most)
{
    return [filter, most](journal::reader& journal) {
        log_piece piece;
        std::size_t bytes = 0;
        journal.logs(filter, [&](std::uint64_t position, const journal::log_chunk& c) {
            piece.more = piece.chunks.size() == most || bytes >= piece_bytes;
            if (piece.more)
                return false;
            piece.chunks.push_back({position, c});
            bytes += c.text.size();
            return true;
        });
        return piece;
    };
}

json::object chunk_json(const placed_chunk& c, const std::vector<std::string>& tasks)
{
    return {{"position", c.position},
            {"task", tasks.at(c.chunk.task.value())},
            {"item", c.chunk.item.value()},
            {"attempt", c.chunk.attempt.value()},
            {"stream", json::string(to_string(c.chunk.stream))},
            {"at", json::string(format_time(c.chunk.at))},
            {"text", valid_utf8(c.chunk.text)}};
}

/// Turns chunks into the body of an answer.
class log_text
{
  public:
    explicit log_text(const log_request& wanted) : wanted_(wanted) {}

    std::string of(const std::vector<placed_chunk>& chunks)
    {
        std::string out;
        for (const placed_chunk& c : chunks)
            if (wanted_.format == log_format::lines)
                out += json::serialize(chunk_json(c, wanted_.tasks)) + '\n';
            else
                add(out, c.chunk);
        return out;
    }

  private:
    void add(std::string& out, const journal::log_chunk& c)
    {
        if (const attempt_key key{c.task, c.item, c.attempt}; wanted_.headings && key != last_) {
            out += fmt::format("{}==> {} item {} attempt {} <==\n", at_line_start_ ? "" : "\n",
                               wanted_.tasks.at(c.task.value()), c.item.value(), c.attempt.value());
            last_ = key;
            at_line_start_ = true;
        }
        out += c.text;
        if (!c.text.empty())
            at_line_start_ = c.text.back() == '\n';
    }

    const log_request& wanted_;
    attempt_key last_{journal::no_task, journal::no_item, attempt_number(0)};
    bool at_line_start_ = true;
};

bool has_ended(journal::reader& journal, const run_id& id)
{
    journal::run_filter filter;
    filter.id_prefix = id.value();
    filter.limit = 1;
    const auto found = journal.runs(filter);
    return found.empty() || found.front().ended;
}

bool still_welcome(api_state& state, const log_request& wanted)
{
    return state.services.tokens.is_good(wanted.token, state.services.engine.loop().wall_now());
}

task<> write_logs(api_state& state, log_request wanted, web::body_writer& out)
{
    log_text text(wanted);
    bool over = false;
    while (!over) {
        // Asked before reading, so that what was written until then is read once more.
        const bool ended = !wanted.follow || has_ended(state.services.journal, wanted.run);
        auto look = look_for(wanted.filter, largest_limit);
        const log_piece piece = co_await state.desk.look(std::move(look));
        if (!piece.chunks.empty()) {
            wanted.filter.after = piece.chunks.back().position;
            auto written = std::make_shared<const std::string>(text.of(piece.chunks));
            co_await out.write(std::move(written));
        }
        over = (ended && !piece.more) || !still_welcome(state, wanted);
        if (!over && !piece.more)
            co_await sleep_for(follow_interval);
    }
}

journal::log_filter filter_of(const call& c, const journal::run_row& run)
{
    journal::log_filter f;
    f.run = run.number;
    if (const std::string* task = c.text("task"))
        f.task = c.task_of(run, *task, 400);
    if (const auto item = c.whole("item"))
        f.item = item_index(static_cast<std::uint32_t>(*item));
    if (const auto attempt = c.whole("attempt"))
        f.attempt = attempt_number(static_cast<std::uint32_t>(*attempt));
    if (!f.task && (f.item || f.attempt))
        throw problem(400, "task-missing", "`item` and `attempt` are of a task: say which with `task`.");
    f.after = c.whole("after").value_or(0);
    return f;
}

bool accepts(const call& c, std::string_view media)
{
    const std::string* accept = c.request.find("accept");
    return accept && accept->find(media) != std::string::npos;
}

task<web::reply> log_page(call& c, journal::log_filter filter, std::vector<std::string> tasks)
{
    auto look = look_for(filter, c.limit());
    const log_piece piece = co_await c.state.desk.look(std::move(look));
    json::array items;
    for (const placed_chunk& chunk : piece.chunks)
        items.push_back(chunk_json(chunk, tasks));
    const std::uint64_t last = piece.chunks.empty() ? filter.after : piece.chunks.back().position;
    co_return json_reply(200, json::object{{"items", std::move(items)}, {"last", last}, {"more", piece.more}});
}

task<web::reply> get_logs(call& c)
{
    const journal::run_row run = c.run();
    log_request wanted;
    wanted.filter = filter_of(c, run);
    wanted.run = run.id;
    wanted.token = c.who.token;
    wanted.tasks = c.services().journal.dag_of(run.number).tasks;
    wanted.follow = c.flag("follow");
    wanted.headings = !(wanted.filter.task && wanted.filter.item && wanted.filter.attempt);
    if (accepts(c, "application/json") && !wanted.follow) {
        auto page = co_await log_page(c, wanted.filter, std::move(wanted.tasks));
        co_return page;
    }
    const bool lines = accepts(c, "application/x-ndjson") || accepts(c, "application/json");
    wanted.format = lines ? log_format::lines : log_format::text;
    web::reply r;
    r.fields.emplace_back("Content-Type", lines ? "application/x-ndjson" : "text/plain; charset=utf-8");
    r.stream = [&state = c.state, wanted = std::move(wanted)](web::body_writer& out) {
        return write_logs(state, wanted, out);
    };
    co_return r;
}

} // namespace

std::vector<route> log_routes()
{
    return {{
        .method = "GET",
        .path = "/api/v1/runs/{run}/logs",
        .operation = "get_logs",
        .tag = "runs",
        .summary = "Read what attempts have logged",
        .about = "In the order in which it was written: as text, with a line where the attempts change; with `Accept: "
                 "application/json` as a page of pieces; with `Accept: application/x-ndjson` one piece a line. With "
                 "`follow=true` the answer goes on until the run has ended.",
        .in_path = {{.name = "run", .about = "Id of the run."}},
        .in_query = {{.name = "task", .about = "Only this task."},
                     {.name = "item", .about = "Only this item of the task.", .kind = value_kind::whole},
                     {.name = "attempt", .about = "Only this attempt.", .kind = value_kind::whole, .least = 1},
                     {.name = "after",
                      .about = "Only what follows the piece at this position: `last` of the page before.",
                      .kind = value_kind::whole,
                      .most = std::numeric_limits<std::int64_t>::max()},
                     {.name = "follow", .about = "Go on until the run has ended.", .kind = value_kind::flag},
                     limit_parameter()},
        .answers = {{200, "log_page", "Pieces of the log"},
                    {200, "", "The log", "text/plain"},
                    {200, "", "The log, one piece a line", "application/x-ndjson"}},
        .handle = get_logs,
    }};
}

} // namespace potoo::server
