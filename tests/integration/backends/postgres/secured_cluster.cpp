#include "tests/integration/backends/postgres/secured_cluster.hpp"

#include "tests/integration/backends/postgres/database.hpp"
#include "tests/integration/backends/service.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include <unistd.h>

namespace potoo::test {
namespace {

int free_port()
{
    boost::asio::io_context context;
    const boost::asio::ip::tcp::acceptor a(context, {boost::asio::ip::address_v4::loopback(), 0});
    return a.local_endpoint().port();
}

std::string scratch_directory()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "potoo-postgres-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        throw std::runtime_error("no scratch directory");
    std::filesystem::permissions(pattern, std::filesystem::perms(0755));
    return pattern;
}

} // namespace

const secured_cluster& secured_cluster::get()
{
    static const secured_cluster cluster;
    return cluster;
}

secured_cluster::secured_cluster() : directory_(scratch_directory()), port_(free_port())
{
    (void)output_of_command(fmt::format("{} start {} {} {}", POTOO_SECURED_CLUSTER, directory_, port_, password));
    psql(conninfo(), fmt::format("CREATE ROLE reader LOGIN PASSWORD '{}'", password));
}

secured_cluster::~secured_cluster()
{
    try {
        (void)output_of_command(fmt::format("{} stop {}", POTOO_SECURED_CLUSTER, directory_));
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}\n", e.what());
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string secured_cluster::conninfo() const
{
    return fmt::format("host={} port={} user=postgres dbname=postgres", directory_, port_);
}

} // namespace potoo::test
