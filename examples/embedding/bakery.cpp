// A program with an io_context of its own: a clock ticks on it, and beside the clock a DAG runs.
#include <potoo/context.hpp>
#include <potoo/engine.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
namespace json = potoo::json;
using namespace std::chrono_literals;

namespace {

potoo::task<json::value> bake(potoo::context& ctx)
{
    const std::string flavour(ctx.input().at("flavour").as_string());
    co_await potoo::sleep_for(200ms);
    ctx.log("a " + flavour + " cake is ready");
    co_return json::value(flavour + " cake");
}

constexpr const char* dag_text = R"(
name: bakery
params:
  flavours: {type: array, items: {type: string}}
tasks:
  cakes:
    operator: bake
    foreach: ${{ params.flavours }}
    with: {flavour: "${{ item }}"}
  shop:
    operator: shell
    depends_on: [cakes]
    with: {command: [echo, "${{ join(tasks.cakes.output, ', ') }}"]}
)";

asio::awaitable<void> tick(int& ticks)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (true) {
        timer.expires_after(50ms);
        co_await timer.async_wait(asio::use_awaitable);
        ++ticks;
    }
}

void print(const potoo::run_event& e)
{
    if (e.what == potoo::run_event::kind::task_ended)
        std::cout << e.task << ": " << e.state << '\n';
    if (e.what == potoo::run_event::kind::attempt_ended && e.task == "shop" && e.output)
        std::cout << "the shop has " << e.output->as_string().c_str() << '\n';
}

asio::awaitable<void> bake_all(potoo::engine& engine, potoo::loaded_dag dag, int& exit_code)
{
    json::object params{{"flavours", json::array{"lemon", "plum"}}};
    potoo::run_summary summary =
        co_await potoo::async_run_dag(engine, std::move(dag), std::move(params), print, asio::use_awaitable);
    std::cout << "the run ended: " << to_string(summary.end) << " (" << summary.tasks.success << " tasks)\n";
    exit_code = summary.succeeded() ? 0 : 1;
}

} // namespace

POTOO_OPERATOR("bake", bake,
               {.summary = "Bakes a cake.",
                .schema = R"({"type": "object", "required": ["flavour"], "additionalProperties": false,
                  "properties": {"flavour": {"type": "string", "description": "What the cake tastes of"}}})",
                .example = "cake:\n  operator: bake\n  with: {flavour: lemon}\n"})

int main()
try {
    asio::io_context context(1);
    potoo::engine engine(context, {.ephemeral = true});

    potoo::load_report loaded = engine.load_text(dag_text, "bakery.yaml");
    if (!loaded.dag) {
        std::cerr << loaded.problems;
        return 2;
    }

    int ticks = 0;
    int exit_code = 1;
    asio::co_spawn(context, tick(ticks), asio::detached);
    asio::co_spawn(context, bake_all(engine, *loaded.dag, exit_code), [&context](std::exception_ptr error) {
        context.stop(); // The clock would go on for ever.
        if (error)
            std::rethrow_exception(error);
    });
    context.run();
    std::cout << "meanwhile the clock ticked" << (ticks > 0 ? "" : " not at all") << '\n';
    return exit_code;
} catch (const std::exception& e) {
    std::cerr << "bakery: " << e.what() << '\n';
    return 1;
}
