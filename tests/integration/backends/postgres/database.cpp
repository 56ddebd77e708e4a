#include "tests/integration/backends/postgres/database.hpp"

#include "tests/integration/backends/service.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace potoo::test {
namespace {

class own_database
{
  public:
    own_database() : server_(service_setting("POTOO_TEST_POSTGRES")), name_(fmt::format("potoo_test_{}", ::getpid()))
    {
        psql(server_, fmt::format("DROP DATABASE IF EXISTS {0} WITH (FORCE); CREATE DATABASE {0}", name_));
        conninfo_ = fmt::format("{} dbname={}", server_, name_);
    }

    own_database(const own_database&) = delete;
    own_database& operator=(const own_database&) = delete;

    ~own_database()
    {
        try {
            psql(server_, fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
        } catch (const std::exception& e) {
            fmt::print(stderr, "{}\n", e.what());
        }
    }

    [[nodiscard]] const std::string& conninfo() const noexcept { return conninfo_; }

  private:
    std::string server_;
    std::string name_;
    std::string conninfo_;
};

} // namespace

std::string psql(const std::string& conninfo, std::string_view statements)
{
    std::string script(statements);
    for (std::size_t at = 0; (at = script.find("; ", at)) != std::string::npos;)
        script.replace(at, 2, ";\n");
    return output_of_command(
        fmt::format("psql -X -q -A -t -v ON_ERROR_STOP=1 '{}' 2>&1 <<'POTOO_SQL'\n{}\nPOTOO_SQL\n", conninfo, script));
}

const std::string& conninfo()
{
    static const own_database database;
    return database.conninfo();
}

std::string ask(std::string_view statements)
{
    return psql(conninfo(), statements);
}

fake_context& database_fixture::make(std::string_view operator_name, json::object with)
{
    made = std::make_unique<fake_context>(loop, operator_name, json::serialize(with));
    made->connections["sql"] = settings;
    made->shared = &shared;
    return *made;
}

void database_fixture::run_until_active(const std::string& name)
{
    run_until([&] { return active_sessions(name) > 0; });
}

int sessions(const std::string& name)
{
    return std::stoi(ask(fmt::format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'", name)));
}

int active_sessions(const std::string& name)
{
    return std::stoi(ask(
        fmt::format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND state = 'active'", name)));
}

} // namespace potoo::test
