#pragma once
/// @file
/// The engine of this process: the machine's clock, network and processes, and a state directory of its own.

#include "engine/host/host.hpp"
#include "engine/host/state_config.hpp"

#include <potoo/http.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>

namespace potoo::host {

struct host_options
{
    std::filesystem::path state = ".potoo"; ///< ignored when `ephemeral`
    bool ephemeral = false;                 ///< keep no journal
    http_options http;
    state_config config; ///< laid over the state directory's
};

/// A configuration whose secrets are there.
struct prepared_config
{
    state_config config;
    std::shared_ptr<runtime::outside_source> outside;
};

/// Runs on an io_context that somebody runs on one thread.
class local_host
{
  public:
    /// Takes the state directory's lock and opens the journal. @throws journal::store_error
    local_host(boost::asio::io_context& context, const host_options& options);
    ~local_host();

    local_host(const local_host&) = delete;
    local_host& operator=(const local_host&) = delete;

    [[nodiscard]] engine_host& engine() noexcept;

    [[nodiscard]] potoo::loop& loop() noexcept;

    /// Fetches what `config` needs; nothing changes yet. @throws runtime::secret_error
    [[nodiscard]] task<prepared_config> prepare(state_config config);

    /// From now on as it says, and nothing else.
    void configure(prepared_config prepared);

    /// The machine's, for what else needs processes beside the engine.
    [[nodiscard]] process_runner& processes() noexcept;

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::host
