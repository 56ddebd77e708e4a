#pragma once
/// @file
/// A server: one engine, the DAGs of a folder, their schedules, and the API, on one io_context.

#include "engine/server/config/server_config.hpp"
#include "engine/server/log/log.hpp"
#include "engine/server/metrics/service_notice.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace potoo::server {

/// What a server has of the program that it is part of.
struct server_surroundings
{
    potoo::server::log& log;          ///< outlives the server
    const service_notice& supervisor; ///< outlives the server
    std::string version;              ///< of the program
    /// Loads a plugin, a second time without effect. @throws std::exception
    std::function<void(const std::filesystem::path&)> load_plugin;
    /// Reads the configuration anew; empty = it cannot change. @throws std::exception
    std::function<server_config()> read_config{};
};

class server
{
  public:
    /// Takes the state directory's lock and opens the journal.
    /// @throws journal::store_error, host::config_error
    server(boost::asio::io_context& context, server_config config, server_surroundings around);

    /// `run` must have ended.
    ~server();

    server(const server&) = delete;
    server& operator=(const server&) = delete;

    [[nodiscard]] potoo::loop& loop() noexcept;

    /// Serves until it is told to stop: goes on with what the journal left, follows the DAG folder, keeps the
    /// schedules, answers. Then it lets go of its runs (remote jobs are left alone, and watched on by the next start),
    /// lets requests end for a while, and returns.
    /// @throws whatever keeps it from serving
    [[nodiscard]] task<> run();

    /// Reads the configuration anew, as soon as it has started: from then on what it says counts, as far as that can
    /// change (limits, what is kept, certificates, secrets and connections), and the DAG folder is looked through. When
    /// the configuration, a secret or the certificate cannot be used, all stays as it was, and the log says why.
    void reload();

    /// Where it listens; empty before it does.
    [[nodiscard]] std::string address() const;

    /// Entries of the journal that could not be written. To be called at the end, once.
    [[nodiscard]] std::size_t close();

  private:
    struct parts;

    [[nodiscard]] task<> serve();
    [[nodiscard]] task<> take_up();
    [[nodiscard]] task<> leave();
    [[nodiscard]] task<> keep_configuration();
    [[nodiscard]] task<> configure_anew();

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::server
