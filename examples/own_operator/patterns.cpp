// What operators do: blocking calls, processes, HTTP, several things at once, clean-up, questions to people.
#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>
#include <potoo/wait.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace json = potoo::json;
using namespace std::chrono_literals;

namespace {

std::string text_of(potoo::context& ctx, const char* name)
{
    return std::string(ctx.input().at(name).as_string());
}

// A blocking call: everything runs on one thread, so what waits in the kernel or computes for long goes to another one.
std::uint64_t sum_of_bytes(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw potoo::fatal("cannot open " + path, "no_file");
    std::uint64_t sum = 0;
    for (char c = 0; file.get(c);)
        sum += static_cast<unsigned char>(c);
    return sum;
}

potoo::task<json::value> checksum(potoo::context& ctx)
{
    const std::string path = text_of(ctx, "path");
    auto sum = co_await potoo::blocking([path] { return sum_of_bytes(path); });
    co_return json::object{{"sum", sum}};
}

// A process: its output goes to the task's log, too. Cancellation ends its process group.
potoo::task<json::value> count_letters(potoo::context& ctx)
{
    potoo::process_spec spec;
    spec.arguments = {"wc", "-m"};
    spec.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
    for (const auto& [name, value] : ctx.environment())
        spec.environment.push_back(name + "=" + value);
    spec.input = text_of(ctx, "text");
    std::string output;
    const auto collect = [&ctx, &output](potoo::output_stream stream, std::string_view piece) {
        ctx.log_output(stream, piece);
        if (stream == potoo::output_stream::standard_output)
            output += piece;
    };
    auto end = co_await ctx.processes().run(std::move(spec), collect);
    if (end.signal != 0 || end.exit_code != 0)
        throw potoo::failure("wc did not succeed", "exit_" + std::to_string(end.exit_code));
    co_return json::value(std::stoll(output));
}

// HTTP: the engine's client keeps its connections. Which answers are failures of what kind is the same for all
// operators.
potoo::task<json::value> size_of(potoo::context& ctx, std::string url)
{
    potoo::http_request request;
    request.url = url;
    request.deadline = std::min(ctx.deadline(), ctx.now_steady() + 30s);
    auto response = co_await ctx.http().send(std::move(request));
    if (!response)
        potoo::failure_of_exchange("GET", url, response.error()).raise();
    if (response->status != 200)
        potoo::failure_of_status("GET", url, *response).raise();
    co_return json::value(response->body.size());
}

// Several things at once: if one fails, the others are stopped, and nothing is left behind.
potoo::task<json::value> sizes(potoo::context& ctx)
{
    std::vector<potoo::task<json::value>> fetches;
    for (const json::value& url : ctx.input().at("urls").as_array())
        fetches.push_back(size_of(ctx, std::string(url.as_string())));
    auto all = co_await potoo::all(std::move(fetches));
    co_return json::value_from(all);
}

// Clean-up: done however the work in between ended, out of reach of the cancellation, and not for ever.
potoo::task<> remove_file(std::string path)
{
    co_await potoo::blocking([path] { std::filesystem::remove(path); });
}

potoo::task<json::value> hold_lock(potoo::context& ctx)
{
    const std::string path = text_of(ctx, "path");
    const auto how_long = potoo::parse_duration(text_of(ctx, "for"));
    if (!how_long)
        throw potoo::fatal("`for` is no duration, such as 30s");
    std::ofstream(path) << ctx.token().value() << '\n';
    std::exception_ptr error;
    try {
        co_await potoo::sleep_for(*how_long);
    } catch (...) {
        error = std::current_exception();
    }
    co_await potoo::shield(remove_file(path), ctx.now_steady() + 10s);
    if (error)
        std::rethrow_exception(error);
    co_return json::value(path);
}

potoo::duration duration_of(potoo::context& ctx, const char* name)
{
    const auto d = potoo::parse_duration(text_of(ctx, name));
    if (!d)
        throw potoo::fatal("`" + std::string(name) + "` is no duration, such as 30s");
    return *d;
}

// A step begins something, and a handler undoes it when the task is stopped. The handler has the path by value: the
// operator's own variables are gone by then.
potoo::task<json::value> write_reservation(std::string path, std::string reference)
{
    std::ofstream(path) << reference << '\n';
    co_return json::value(path);
}

potoo::task<json::value> reserve(potoo::context& ctx)
{
    const std::string path = text_of(ctx, "path");
    auto reference = co_await ctx.uuid(); // The same in each replay, and nothing is written down for it.
    co_await ctx.step("reserve", write_reservation(path, reference));
    ctx.on_cancel(remove_file(path));
    co_await potoo::sleep_for(duration_of(ctx, "for"));
    co_return json::value(reference);
}

// A question to a person, with a time after which it is settled without him. That time is recorded, and so is what came
// first: a restart in between changes neither.
potoo::task<json::value> answer_to(potoo::context& ctx, potoo::open_callback question)
{
    auto answer = co_await ctx.completion(question);
    co_return answer;
}

potoo::task<json::value> nobody_until(potoo::context& ctx, potoo::wall_time t)
{
    co_await ctx.sleep_until("expiry", t);
    co_return json::object{{"ok", false}, {"why", "nobody answered"}};
}

potoo::task<json::value> ask(potoo::context& ctx)
{
    const potoo::duration within = duration_of(ctx, "within");
    auto question = co_await ctx.callback("approval");
    ctx.log("to approve: potoo complete " + question.token() + " --output '{\"ok\": true}'");
    auto asked = co_await ctx.now();
    auto first = co_await potoo::any(answer_to(ctx, question), nobody_until(ctx, asked + within));
    co_return first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
}

} // namespace

POTOO_OPERATOR("checksum", checksum,
               {.summary = "Adds up the bytes of a file.",
                .schema = R"({
      "type": "object", "required": ["path"], "additionalProperties": false,
      "properties": {"path": {"type": "string", "description": "The file"}}})",
                .example = R"(sum:
  operator: checksum
  with: {path: data.csv}
)"})

POTOO_OPERATOR("count_letters", count_letters,
               {.summary = "Counts the letters of a text.",
                .schema = R"({
      "type": "object", "required": ["text"], "additionalProperties": false,
      "properties": {"text": {"type": "string", "description": "What to count in"}}})",
                .example = R"(letters:
  operator: count_letters
  with: {text: the potoo sits still}
)"})

POTOO_OPERATOR("sizes", sizes,
               {.summary = "Fetches all URLs at once and tells how many bytes each has.",
                .schema = R"({
      "type": "object", "required": ["urls"], "additionalProperties": false,
      "properties": {"urls": {"type": "array", "items": {"type": "string"}, "description": "What to fetch"}}})",
                .example = R"(pages:
  operator: sizes
  with: {urls: ["https://example.org/"]}
)"})

POTOO_OPERATOR("hold_lock", hold_lock,
               {.summary = "Keeps a lock file in place for a while, and takes it away however that ends.",
                .schema = R"({
      "type": "object", "required": ["path", "for"], "additionalProperties": false,
      "properties": {
        "path": {"type": "string", "description": "The lock file"},
        "for": {"type": "string", "description": "How long, as in 30s"}
      }})",
                .example = R"(lock:
  operator: hold_lock
  with: {path: /tmp/lock, for: 5s}
)"})

POTOO_OPERATOR("reserve", reserve,
               {.summary = "Reserves something by a file, and gives it up when the task is stopped.",
                .schema = R"({
      "type": "object", "required": ["path", "for"], "additionalProperties": false,
      "properties": {
        "path": {"type": "string", "description": "The file"},
        "for": {"type": "string", "description": "How long it works with it, as in 30s"}
      }})",
                .example = R"(room:
  operator: reserve
  with: {path: /tmp/reserved, for: 5s}
)"})

POTOO_OPERATOR("ask", ask,
               {.summary = "Waits for somebody's approval, for a while.",
                .schema = R"({
      "type": "object", "required": ["within"], "additionalProperties": false,
      "properties": {"within": {"type": "string", "description": "For how long, as in 8h"}}})",
                .example = R"(approval:
  operator: ask
  with: {within: 8h}
)"})
