#include "engine/cli/commands.hpp"
#include "engine/cli/configuration.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/cli/version_text.hpp"
#include "engine/server/log/log.hpp"
#include "engine/server/server.hpp"

#include <potoo/asio.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>

namespace potoo::cli {

namespace {

/// What was given on the command line counts before the configuration file.
struct server_arguments
{
    std::string config;
    std::optional<std::string> dags;
    std::optional<std::string> state;
    std::optional<std::string> listen;
    std::optional<std::string> certificate;
    std::optional<std::string> key;
    std::optional<std::string> public_url;
    std::optional<std::string> log_format;
    bool behind_proxy = false;
    bool log_requests = false;
    session_options session; ///< limits and plugins
};

server::server_config configured(const server_arguments& a)
{
    server::server_config c = read_configuration(a.config);
    c.dags = a.dags.value_or(c.dags.string());
    c.state = a.state.value_or(c.state.string());
    c.web.listen = a.listen.value_or(c.web.listen);
    c.web.certificate_file = a.certificate.value_or(c.web.certificate_file);
    c.web.key_file = a.key.value_or(c.web.key_file);
    c.public_url = a.public_url.value_or(c.public_url);
    if (a.log_format)
        c.log = *a.log_format == "json" ? server::log_format::json : server::log_format::text;
    c.behind_proxy = c.behind_proxy || a.behind_proxy;
    c.verbose = c.verbose || a.log_requests;
    c.engine = laid_over(c.engine, {{}, a.session.limits});
    c.plugins.insert(c.plugins.end(), a.session.plugins.begin(), a.session.plugins.end());
    return c;
}

server::log::options log_options(const server::server_config& c)
{
    server::log::options o;
    o.format = c.log;
    o.to_journald = c.log == server::log_format::text && server::log::stderr_is_journald();
    return o;
}

/// The server of this process, and what signals do to it.
class served_program
{
  public:
    explicit served_program(server_arguments a)
        : arguments_(std::move(a)), config_(configured(arguments_)), log_(log_options(config_)),
          server_(context_, config_, surroundings())
    {}

    exit_code run()
    {
        const stop_signals signals(context_, nullptr, [this](int signal) { stop(signal); }, [this] { reload(); });
        const auto work = boost::asio::make_work_guard(context_);
        async_run(server_.loop(), "server", server_.run(),
                  boost::asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr& error) {
                      problem_ = error;
                      context_.stop();
                  }));
        context_.run();
        return conclude();
    }

  private:
    [[nodiscard]] server::server_surroundings surroundings()
    {
        return {log_, supervisor_, version_number(),
                [](const std::filesystem::path& file) { load_plugins({file.string()}); },
                [this] { return configured(arguments_); }};
    }

    void stop(int signal)
    {
        log_.info(fmt::format("{}: stopping; remote jobs are left running, and the next start goes on with them (once "
                              "more ends at once)",
                              signal_name(signal)));
        stop_.emit(boost::asio::cancellation_type::terminal);
    }

    void reload()
    {
        const std::string file = configuration_file(arguments_.config);
        log_.info(file.empty()
                      ? "SIGHUP: there is no configuration file; looking at the certificate and the DAGs anew"
                      : fmt::format("SIGHUP: reading {} anew; where to listen, the log and plugins change with "
                                    "the next start",
                                    file));
        server_.reload();
    }

    [[nodiscard]] exit_code conclude()
    {
        exit_code end = exit_code::success;
        if (problem_) {
            try {
                std::rethrow_exception(problem_);
            } catch (const std::system_error& e) {
                // Where it was told to listen.
                report_error(e.what());
                end = exit_code::usage;
            } catch (...) {
                end = report_current_exception();
            }
        }
        if (const std::size_t lost = server_.close(); lost > 0) {
            report_error(fmt::format("{} entries of the journal could not be written to {}; what they tell is lost",
                                     lost, config_.state.string()));
            end = exit_code::unreachable;
        }
        return end;
    }

    server_arguments arguments_;
    server::server_config config_;
    server::service_notice supervisor_ = server::service_notice::from_environment();
    server::log log_;
    boost::asio::io_context context_{1};
    server::server server_;
    boost::asio::cancellation_signal stop_;
    std::exception_ptr problem_;
};

exit_code serve(server_arguments a)
{
    // One that was there is not done without when it is gone: somebody may be writing it anew.
    a.config = configuration_file(a.config);
    const server::server_config config = configured(a);
    std::string problems;
    for (const std::string& p : server::problems_here(config))
        problems += fmt::format("potoo: error: {}\n", p);
    if (!problems.empty())
        throw usage_error(problems);
    load_plugins(config.plugins);
    return served_program(a).run();
}

} // namespace

void add_server_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<server_arguments>();
    CLI::App* c = app.add_subcommand("server", "Serve the DAGs of a folder: schedules, API, events");
    c->add_option("-c,--config", a->config,
                  "Configuration, YAML; potoo.yaml if there is one. What is given here counts before it")
        ->type_name("FILE")
        ->envname("POTOO_CONFIG");
    c->add_option("--dags", a->dags, "Folder of DAG files; dags if not given")->type_name("DIR");
    c->add_option("--state", a->state, "Directory of the journal; .potoo if not given")
        ->type_name("DIR")
        ->envname("POTOO_STATE");
    c->add_option("--listen", a->listen, "Where to listen; 127.0.0.1:8080 if not given, port 0 is any free one")
        ->type_name("ADDRESS:PORT");
    c->add_option("--tls-cert", a->certificate, "Speak TLS with this certificate, PEM")->type_name("FILE");
    c->add_option("--tls-key", a->key, "and its private key")->type_name("FILE");
    c->add_flag("--behind-proxy", a->behind_proxy, "Something before the server speaks TLS");
    c->add_option("--public-url", a->public_url, "URL under which others reach the server, for callbacks")
        ->type_name("URL");
    c->add_option("--log-format", a->log_format, "How the log on standard error is written: text or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    c->add_flag("--log-requests", a->log_requests, "Log every request");
    c->add_option("--plugin", a->session.plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    add_limit_options(*c, a->session);
    c->footer("SIGTERM or Ctrl-C stops it: remote jobs are left running, and the next start goes on with them.\n"
              "SIGHUP reads the configuration and the certificate anew.\n"
              "Examples:\n"
              "  potoo server --dags dags --state /var/lib/potoo\n"
              "  potoo server --config potoo.yaml\n"
              "  potoo server --listen 0.0.0.0:8443 --tls-cert server.pem --tls-key server.key");
    c->callback([a, &chosen] { chosen = [a] { return serve(*a); }; });
}

} // namespace potoo::cli
