#include "engine/cli/token_place.hpp"

#include "engine/cli/direct_ledger.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/host_ports.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/server/access/token_book.hpp"

#include <potoo/asio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace potoo::cli {

namespace {

class tokens_at_server final : public token_place
{
  public:
    explicit tokens_at_server(std::unique_ptr<server_client> server) : server_(std::move(server)) {}

    json::object create(const token_wish& wish) override
    {
        json::object body{{"name", wish.name}, {"role", wish.role}};
        if (!wish.expires.empty())
            body["expires"] = wish.expires;
        return object_of(server_->ask("POST", api_path({"tokens"}), body).body);
    }

    json::array list() override { return server_list(*server_, api_path({"tokens"})); }

    json::object revoke(const std::string& id) override
    {
        return object_of(server_->ask("DELETE", api_path({"tokens", id})).body);
    }

  private:
    static json::object object_of(json::value v) { return v.is_object() ? std::move(v.get_object()) : json::object(); }

    std::unique_ptr<server_client> server_;
};

wall_time wall_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::optional<wall_time> expiry_of(const std::string& text)
{
    if (text.empty())
        return std::nullopt;
    if (const auto at = parse_time(text))
        return at;
    if (const auto in = parse_duration(text))
        return wall_now() + *in;
    throw usage_error(fmt::format("--expires takes a time (2027-01-31T00:00:00Z) or a duration (90d), not '{}'", text));
}

/// The lock of a state directory, whose engine would otherwise be asked.
/// @param command what to ask its server with, but for `--server`
journal::state_lock lock(const journal::state_layout& layout, const std::string& command)
{
    if (journal::state_lock::is_held(layout))
        throw journal::store_error(
            journal::store_error_kind::locked,
            fmt::format("a server, or another engine, is at work on the state directory '{}', so its tokens can be "
                        "changed through the server only: {} --server URL (the address that it said when it started)",
                        layout.directory().string(), command));
    return journal::state_lock::acquire(layout);
}

/// The tokens of a state directory, to be changed while this lives.
class open_book
{
  public:
    open_book(const journal::state_layout& layout, const std::string& command)
        : lock_(lock(layout, command)), store_(journal::open_sqlite_store(layout)), ledger_(*store_, store_.get())
    {}

    [[nodiscard]] server::token_book& tokens() noexcept { return book_; }

    /// The ledger never waits, so that it has ended by then.
    template <class T>
    T finish(task<T> t)
    {
        std::optional<T> out;
        std::exception_ptr error;
        async_run(loop_, "tokens", std::move(t), [&](std::exception_ptr e, std::optional<T> result) {
            error = std::move(e);
            out = std::move(result);
        });
        context_.restart();
        context_.run();
        if (error)
            std::rethrow_exception(error);
        return std::move(out.value());
    }

  private:
    journal::state_lock lock_;
    std::unique_ptr<journal::store> store_;
    boost::asio::io_context context_{1};
    real_loop loop_{context_};
    direct_ledger ledger_;
    server::token_book book_{ledger_, host::number_of_the_system};
};

class tokens_in_state final : public token_place
{
  public:
    explicit tokens_in_state(const std::string& state) : state_(state), layout_(state) {}

    json::object create(const token_wish& wish) override
    {
        std::string command = fmt::format("potoo token create {} --role {}", shell_word(wish.name), wish.role);
        if (!wish.expires.empty())
            command += " --expires " + shell_word(wish.expires);
        const bool is_new = !is_there();
        open_book book(layout_, command);
        if (is_new)
            report_text(
                fmt::format("There was no state directory '{}': it is made now, and its tokens are those of the "
                            "server that works on it: {}\n",
                            state_, next_command("server", {}, state_)));
        const server::role role = server::parse_role(wish.role).value();
        if (!book.tokens().has_any() && role != server::role::admin)
            throw usage_error("the first token must be an admin's: from then on nobody is let in without one; give "
                              "--role admin");
        try {
            const server::new_token made =
                book.finish(book.tokens().create({wish.name, role, expiry_of(wish.expires)}, wall_now()));
            json::object out = server::to_json(made.row);
            out["text"] = made.text;
            return out;
        } catch (const std::invalid_argument& e) {
            throw usage_error(e.what());
        }
    }

    json::array list() override
    {
        const auto journal = open_journal(state_);
        direct_ledger ledger(*journal);
        server::token_book book(ledger, host::number_of_the_system);
        json::array out;
        for (const server::token_row& t : book.list())
            out.push_back(server::to_json(t));
        return out;
    }

    json::object revoke(const std::string& id) override
    {
        // None is made for that.
        static_cast<void>(open_journal(state_));
        open_book book(layout_, "potoo token revoke " + shell_word(id));
        const auto revoked = book.finish(book.tokens().revoke(id, wall_now()));
        if (!revoked)
            throw usage_error(fmt::format("there is no token {}; `potoo token list` lists them", id));
        return server::to_json(*revoked);
    }

  private:
    /// Also when only its configuration is: somebody has prepared it.
    [[nodiscard]] bool is_there() const
    {
        std::error_code ec;
        return std::filesystem::exists(layout_.database(), ec) ||
               std::filesystem::exists(layout_.directory() / "config.yaml", ec);
    }

    std::string state_;
    journal::state_layout layout_;
};

} // namespace

std::unique_ptr<token_place> open_tokens(const target_options& t)
{
    if (auto server = server_of(t))
        return std::make_unique<tokens_at_server>(std::move(server));
    return std::make_unique<tokens_in_state>(state_of(t));
}

} // namespace potoo::cli
