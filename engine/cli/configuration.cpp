#include "engine/cli/configuration.hpp"

#include "engine/host/state_config.hpp"

#include <filesystem>
#include <system_error>

namespace potoo::cli {
namespace {

constexpr const char* usual_configuration = "potoo.yaml";

} // namespace

std::string configuration_file(const std::string& named)
{
    if (!named.empty())
        return named;
    std::error_code ec;
    return std::filesystem::exists(usual_configuration, ec) ? usual_configuration : "";
}

server::server_config read_configuration(const std::string& named)
{
    const std::string file = configuration_file(named);
    return file.empty() ? server::server_config() : server::read_server_config(file);
}

std::vector<std::string> configured_secrets(const std::string& named)
{
    const server::server_config c = read_configuration(named);
    const host::state_config all = laid_over(host::read_state_config(journal::state_layout(c.state)), c.engine);
    return host::names_of_secrets(all.outside);
}

} // namespace potoo::cli
