// PostgreSQL, through the operators and the classes they are made of, on a real server.

#include "tests/integration/backends/service.hpp"

#include <boost/test/unit_test.hpp>

namespace {

struct needs_postgres : potoo::test::needs_service
{
    needs_postgres() : needs_service("POTOO_TEST_POSTGRES", "PostgreSQL") {}
};

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(needs_postgres);
